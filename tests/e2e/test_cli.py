"""The command line itself."""

import unittest

from lamina_e2e import EndToEndTest

COMMANDS = (("invoke",), ("exec",), ("store",), ("store", "add"), ("store", "ls"), ("store", "gc"), ("store", "path"), ("doctor",))


class CommandLine(EndToEndTest):
    role = "root"

    def setUp(self):
        import os
        self.role = "root" if os.geteuid() == 0 else "user"
        super().setUp()

    def test_every_command_has_help_with_an_example(self):
        for command in ((), *COMMANDS):
            with self.subTest(command):
                run = self.space.run(*command, "--help")
                self.assertEqual((run.code, run.log), (0, ""), run)
                text = run.stdout.decode()
                self.assertIn("Example", text)
                self.assertIn(f"lamina {' '.join(command)}".strip(), text)

    def test_help_lines_fit_a_terminal(self):
        for command in ((), *COMMANDS):
            for line in self.space.run(*command, "--help").lines:
                self.assertLessEqual(len(line), 110, line)

    def test_the_version(self):
        run = self.space.run("--version")
        self.assertEqual(run.code, 0, run)
        self.assertRegex(run.stdout.decode(), r"^lamina \d+\.\d+\.\d+\n$")

    def test_usage_errors_exit_with_2(self):
        for arguments in ((), ("no-such-command",), ("invoke",), ("invoke", "--no-such-flag"), ("store",), ("store", "no"),
                          ("exec", "--code", "x"), ("invoke", "--code"), ("doctor", "superfluous"),
                          ("invoke", "--code", "x", "--runtime", "provided.al2023", "--env", "novalue"),
                          ("invoke", "--code", "x", "--runtime", "provided.al2023", "--network", "moon"),
                          ("invoke", "--code", "x", "--runtime", "provided.al2023", "-e", "f", "-d", "{}")):
            with self.subTest(arguments):
                self.assert_refused(self.space.run(*arguments))

    def test_no_colour_and_no_progress_away_from_a_terminal(self):
        run = self.space.invoke("echo", layers=[self.space.tree("layer", {"x": "1"})])
        self.assertNotIn("\x1b", run.log)

    def test_nothing_asks_for_a_home(self):
        run = self.space.invoke("echo", variables={"HOME": None})
        self.assertEqual(run.code, 0, run)
        run = self.space.run("store", "ls", variables={"HOME": None, "LAMINA_HOME": None})
        self.assert_refused(run, "LAMINA_HOME")


if __name__ == "__main__":
    unittest.main()
