"""Log lines byte for byte, on stderr."""

import re
import unittest

from lamina_e2e import REQUEST_ID, EndToEndTest, for_each_user

NUMBER = r"\d+\.\d\d"
COLD = (rf"START RequestId: (?P<id>{REQUEST_ID}) Version: \$LATEST\n"
        r"(?P<output>(?s:.*))"
        r"END RequestId: (?P=id)\n"
        rf"REPORT RequestId: (?P=id)\tDuration: (?P<duration>{NUMBER}) ms\tBilled Duration: (?P<billed>\d+) ms\t"
        rf"Memory Size: 128 MB\tMax Memory Used: (?P<used>\d+) MB\tInit Duration: (?P<init>{NUMBER}) ms\t\n")
WARM = COLD.replace(rf"Init Duration: (?P<init>{NUMBER}) ms\t", "")


@for_each_user
class Logs(EndToEndTest):
    def log(self, *arguments, **options):
        run = self.space.invoke(*arguments, **options)
        # Where memory cannot be limited, Lamina says so before anything else.
        return "".join(line for line in run.log.splitlines(keepends=True)
                       if not line.startswith(("note:", "warning:")))

    def test_a_cold_start_of_a_custom_runtime(self):
        found = re.fullmatch(COLD, self.log("echo"))
        self.assertIsNotNone(found, self.log("echo"))
        self.assertEqual(found["output"], "")
        total = float(found["duration"]) + float(found["init"])
        self.assertIn(int(found["billed"]), (int(total), int(total) + 1))
        self.assertGreaterEqual(int(found["billed"]), total - 0.02)
        self.assertGreaterEqual(int(found["used"]), 1)

    def test_a_warm_invocation_has_no_init_duration(self):
        log = self.log("echo", "--repeat", "2")
        self.assertIsNotNone(re.fullmatch(COLD + WARM.replace("?P<", "?P<warm_").replace("?P=", "?P=warm_"), log), log)

    def test_a_managed_runtime_begins_with_init_start(self):
        runtime = self.managed_runtime("python")
        code = self.space.tree("py", {"app.py": "def handler(event, context):\n    print('hello')\n"})
        log = self.log("app.handler", code=code, runtime=runtime)
        start, rest = log.split("\n", 1)
        version = runtime.replace("python", r"python:").replace(".", r"\.")
        self.assertRegex(start, rf"^INIT_START Runtime Version: {version}\S*\t"
                                r"Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}$")
        found = re.fullmatch(COLD, rest)
        self.assertIsNotNone(found, log)
        self.assertEqual(found["output"], "hello\n")

    def test_init_duration_is_true(self):
        found = re.fullmatch(COLD, re.sub(r"init of .*\n", "", self.log("init_sleep:300")))
        self.assertGreater(float(found["init"]), 300)
        self.assertLess(float(found["duration"]), 300)

    def test_duration_is_true(self):
        found = re.fullmatch(COLD, self.log("sleep:200"))
        self.assertGreater(float(found["duration"]), 200)

    def test_max_memory_used_is_true(self):
        small = int(re.fullmatch(COLD, self.log("echo"))["used"])
        used = int(re.fullmatch(COLD, self.log("use:60"))["used"])
        self.assertLess(small, 40)
        self.assertGreaterEqual(used, 60)
        self.assertLess(used, 110)

    def test_function_output_stands_between_start_and_end_in_its_order(self):
        found = re.fullmatch(COLD, self.log("print", event=["out\n", "err\n", "out again\n", "no line end"]))
        self.assertEqual(found["output"], "out\nerr\nout again\nno line end\n")

    def test_output_during_init_comes_before_start(self):
        self.assertRegex(self.log("init_sleep:0"), r"^init of init_sleep:0\nSTART ")

    def test_a_long_line_survives(self):
        text = "x" * 300_000
        found = re.fullmatch(COLD, self.log("print", "-e", "-", input=f'["{text}\\n"]'.encode()))
        self.assertEqual(found["output"], text + "\n")

    def test_a_failed_invocation_says_how(self):
        log = self.log("exit:3")
        self.assertRegex(log, rf"(?m)^REPORT RequestId: {REQUEST_ID}\tDuration: {NUMBER} ms\tBilled Duration: \d+ ms\t"
                              rf"Memory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: {NUMBER} ms\t"
                              r"Status: error\tError Type: Runtime\.ExitError$")

    def test_a_timeout_says_so(self):
        self.assertRegex(self.log("sleep:9000", "--timeout", "1"),
                         rf"(?m)^REPORT RequestId: {REQUEST_ID}\tDuration: 1000\.00 ms\tBilled Duration: \d+ ms\t"
                         rf"Memory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: {NUMBER} ms\tStatus: timeout$")

    def test_a_failed_init_is_reported_in_both_phases(self):
        lines = [line for line in self.log("init_exit:4").splitlines() if line.startswith("INIT_REPORT")]
        for line, phase in zip(lines, ("init", "invoke")):
            self.assertRegex(line, rf"^INIT_REPORT Init Duration: {NUMBER} ms\tPhase: {phase}\tStatus: error\t"
                                   r"Error Type: Runtime\.ExitError$")
        self.assertEqual(len(lines), 2)


if __name__ == "__main__":
    unittest.main()
