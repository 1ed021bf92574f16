"""Every sample gives the output that stands beside it."""

import os
import shutil
import subprocess
import unittest

from lamina_e2e import LAMINA, PROGRAMS, EndToEndTest, for_each_user

SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "samples")


@for_each_user
class Samples(EndToEndTest):
    def setUp(self):
        super().setUp()
        # A copy, because the checkout may lie where only its owner can go.
        self.samples = self.space.path("samples")
        shutil.copytree(SAMPLES, self.samples)
        self.cache = os.path.join(os.path.dirname(PROGRAMS), "samples-cache")

    def assert_output(self, name):
        command = self.space.as_role([os.path.join(self.samples, name, "run")])
        run = subprocess.run(command, env=self.space.environment(LAMINA=LAMINA, LAMINA_SAMPLES_CACHE=self.cache),
                             stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120)
        if run.returncode == 77:
            self.cannot(f"sample-{name}", run.stderr.decode().strip())
        with open(os.path.join(self.samples, name, "expected", "output"), encoding="utf-8") as file:
            self.assertEqual(run.stdout.decode(), file.read(), run.stderr.decode())
        self.assertEqual(run.returncode, 0, run.stderr.decode())

    def test_layer_order(self):
        self.assert_output("layer-order")

    def test_mixed_package(self):
        self.assert_output("mixed-package")

    def test_nodejs_layers(self):
        self.assert_output("nodejs-layers")

    def test_custom_runtime(self):
        self.assert_output("custom-runtime")

    def test_npm_versions(self):
        # The packages come over the network once, into a cache that both users read.
        fetched = subprocess.run([os.path.join(self.samples, "npm-versions", "fetch")], stdin=subprocess.DEVNULL,
                                 env={**os.environ, "LAMINA_SAMPLES_CACHE": self.cache}, capture_output=True, check=False)
        if fetched.returncode == 77:
            self.cannot("sample-npm-versions", fetched.stderr.decode().strip().splitlines()[-1])
        self.assert_output("npm-versions")

    def test_numpy_layer(self):
        self.assert_output("numpy-layer")

    def test_every_sample_is_tested(self):
        tested = {name[len("test_"):].replace("_", "-") for name in dir(self) if name.startswith("test_")}
        folders = {name for name in os.listdir(SAMPLES) if os.path.isdir(os.path.join(SAMPLES, name))}
        self.assertLessEqual(folders, tested)


if __name__ == "__main__":
    unittest.main()
