"""--network none: a function that provably uses no network; host: it has the host's."""

import socket
import unittest

from lamina_e2e import EndToEndTest, for_each_user


@for_each_user
class Network(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        self.here = f"127.0.0.1:{self.server.getsockname()[1]}"

    def connect(self, network, *addresses):
        return self.assert_returned(self.space.invoke("connect", "--network", network, event=list(addresses)))

    def test_without_a_network_nothing_outside_is_reached(self):
        answers = self.connect("none", self.here, "192.0.2.1:80", "8.8.8.8:53")
        self.assertEqual(answers[self.here], "ECONNREFUSED", "its own loopback, not the host's")
        self.assertIn(answers["192.0.2.1:80"], ("ENETUNREACH", "EHOSTUNREACH"))
        self.assertIn(answers["8.8.8.8:53"], ("ENETUNREACH", "EHOSTUNREACH"))

    def test_without_a_network_the_runtime_api_has_awss_address(self):
        answers = self.connect("none", "169.254.100.1:9001", "127.0.0.1:9001")
        self.assertEqual(answers["169.254.100.1:9001"], "connected")
        self.assertEqual(answers["127.0.0.1:9001"], "ECONNREFUSED")

    def test_without_a_network_only_loopback_exists(self):
        interfaces = self.assert_returned(self.space.invoke("read", "--network", "none", event=["/proc/net/dev"]))
        names = [line.split(":")[0].strip() for line in interfaces["/proc/net/dev"].splitlines()[2:]]
        self.assertIn("lo", names)
        routes = self.assert_returned(self.space.invoke("read", "--network", "none", event=["/proc/net/route"]))
        self.assertEqual(len(routes["/proc/net/route"].splitlines()), 1, "no route leads anywhere")

    def test_with_the_hosts_network_the_host_is_reached(self):
        self.assertEqual(self.connect("host", self.here)[self.here], "connected")

    def test_repeating_works_without_a_network(self):
        run = self.space.invoke("echo", "--network", "none", "--repeat", "3", event=1)
        self.assertEqual(run.stdout, b"1\n" * 3, run)


if __name__ == "__main__":
    unittest.main()
