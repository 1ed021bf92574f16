"""The function fails: AWS's payload on stdout, exit code 1, and a REPORT line that says how."""

import os
import signal
import unittest

from lamina_e2e import BOOTSTRAP, REQUEST_ID, EndToEndTest, for_each_user


@for_each_user
class Failures(EndToEndTest):
    def failed(self, *arguments, **options):
        run = self.space.invoke(*arguments, report=True, **options)
        self.assert_function_failed(run)
        return run

    def assert_payload(self, run, error_type, message):
        """The payload byte for byte, with AWS's order of keys and the request id of the log."""
        request_id = run.report["invocations"][-1]["requestId"]
        self.assertRegex(request_id, f"^{REQUEST_ID}$")
        self.assertEqual(run.stdout.decode().splitlines()[-1],
                         f'{{"errorType":"{error_type}","errorMessage":"RequestId: {request_id} Error: {message}"}}', run)
        self.assertEqual(run.report["invocations"][-1]["errorType"], error_type)

    def assert_report_ends(self, run, ending):
        report = [line for line in run.log.splitlines() if line.startswith("REPORT ")][-1]
        self.assertTrue(report.endswith(ending), report)

    def test_an_error_that_the_handler_reports_is_passed_on_verbatim(self):
        run = self.failed("fail")
        self.assertEqual(run.stdout, b'{"errorMessage":"as asked","errorType":"Asked","stackTrace":[]}\n')
        (invocation,) = run.report["invocations"]
        self.assertEqual(invocation["outcome"], "function_error")
        self.assertEqual(invocation["errorType"], "Function.Asked")

    def test_exit_with_a_status(self):
        for code in (1, 7, 255):
            run = self.failed(f"exit:{code}")
            self.assert_payload(run, "Runtime.ExitError", f"Runtime exited with error: exit status {code}")
            self.assert_report_ends(run, "\tStatus: error\tError Type: Runtime.ExitError")
            self.assertEqual(run.report["invocations"][0]["outcome"], "environment_failed")

    def test_exit_without_a_reason(self):
        self.assert_payload(self.failed("exit:0"), "Runtime.ExitError", "Runtime exited without providing a reason")

    def test_death_by_a_signal_has_gos_name_of_it(self):
        for number, name in ((signal.SIGKILL, "killed"), (signal.SIGTERM, "terminated"), (signal.SIGABRT, "aborted"),
                             (signal.SIGUSR1, "user defined signal 1"), (40, "signal 40")):
            run = self.failed(f"signal:{int(number)}")
            self.assert_payload(run, "Runtime.ExitError", f"Runtime exited with error: signal: {name}")

    def test_segmentation_fault(self):
        self.assert_payload(self.failed("segfault"), "Runtime.ExitError",
                            "Runtime exited with error: signal: segmentation fault")

    def test_timeout(self):
        run = self.failed("sleep:10000", "--timeout", "1")
        self.assert_payload(run, "Sandbox.Timedout", "Task timed out after 1.00 seconds")
        self.assert_report_ends(run, "\tStatus: timeout")
        self.assertIn("\tDuration: 1000.00 ms\t", run.log)
        self.assertEqual(run.report["invocations"][0]["outcome"], "timed_out")

    def test_out_of_memory(self):
        doctor = self.space.run("doctor", "--json").json
        enforced = {row["name"]: row["available"] for row in doctor["host"]}
        memory = [available for name, available in enforced.items() if "memory" in name]
        if not all(memory) or not memory:
            if self.role == "user":
                self.cannot("no-user-cgroup", "an ordinary user has no cgroup of their own here, so memory is not limited")
            self.cannot("no-memory-limit", f"this host cannot limit memory: {enforced}")
        run = self.failed("hog", "--timeout", "30")
        self.assert_payload(run, "Runtime.OutOfMemory", "Runtime exited with error: signal: killed")
        self.assertIn("Max Memory Used: 128 MB", run.log)

    def test_no_bootstrap(self):
        run = self.failed("x", code=self.space.tree("empty", {"data": "1"}))
        self.assert_payload(run, "Runtime.InvalidEntrypoint",
                            "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")

    def assert_entrypoint_refused(self, content, mode, reason):
        code = self.space.tree("code-that-cannot-start", {"bootstrap": (content, mode)})
        self.assert_payload(self.failed("x", code=code), "Runtime.InvalidEntrypoint",
                            f"fork/exec /var/task/bootstrap: {reason}")

    def test_a_bootstrap_that_is_not_executable(self):
        self.assert_entrypoint_refused("#!/bin/sh\n", 0o644, "permission denied")

    def test_a_bootstrap_with_a_missing_interpreter(self):
        self.assert_entrypoint_refused("#!/no/such/interpreter\n", 0o755, "no such file or directory")

    def test_a_bootstrap_with_windows_line_ends(self):
        self.assert_entrypoint_refused("#!/bin/sh\r\nexit 0\r\n", 0o755, "no such file or directory")

    def test_a_bootstrap_for_another_architecture(self):
        with open(BOOTSTRAP, "rb") as file:
            program = bytearray(file.read())
        machine = int.from_bytes(program[18:20], "little")
        program[18:20] = (0x3E if machine != 0x3E else 0xB7).to_bytes(2, "little")
        self.assert_entrypoint_refused(bytes(program), 0o755, "exec format error")

    def test_a_bootstrap_that_is_no_program(self):
        self.assert_entrypoint_refused(b"\x00\x01\x02 no program", 0o755, "exec format error")

    def test_an_init_error_is_the_payload_after_a_second_try(self):
        run = self.failed("init_error")
        self.assertEqual(run.stdout, b'{"errorMessage":"init as asked","errorType":"Asked.Init"}\n')
        self.assertEqual(run.log.count("init of init_error"), 2, run)
        self.assertEqual(run.report["invocations"][0]["errorType"], "Runtime.AskedFor")
        self.assertRegex(run.log, r"(?m)^INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: init\tStatus: error\t"
                                  r"Error Type: Runtime\.AskedFor$")

    def test_an_exit_during_init(self):
        run = self.failed("init_exit:5")
        self.assert_payload(run, "Runtime.ExitError", "Runtime exited with error: exit status 5")
        self.assertEqual(run.log.count("init of init_exit:5"), 2, run)

    def test_a_signal_during_init(self):
        self.assert_payload(self.failed("init_signal:9"), "Runtime.ExitError", "Runtime exited with error: signal: killed")

    def test_an_answer_of_the_largest_size_is_taken(self):
        run = self.space.invoke("big:6291556", "--timeout", "30")
        self.assertEqual(run.code, 0, run)
        self.assertEqual(len(run.stdout), 6_291_556 + 1)

    def test_an_answer_that_is_too_large(self):
        run = self.failed("big:6291557", "--timeout", "30")
        self.assertEqual(run.stdout, b'{"errorMessage":"Response payload size exceeded maximum allowed payload size '
                                     b'(6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}\n')

    def test_the_runtime_survives_an_answer_that_was_too_large(self):
        run = self.space.invoke("big:6291557", "--timeout", "30", "--repeat", "2", report=True)
        self.assertEqual([row["coldStart"] for row in run.report["invocations"]], [True, False])
        self.assertEqual(run.log.count("Status: error"), 0, run)

    def test_after_an_exit_the_next_invocation_starts_anew(self):
        run = self.space.invoke("dies_on_second", "--repeat", "3", report=True)
        self.assertEqual(run.code, 1, run)
        answers = [row["response"] for row in run.report["invocations"]]
        self.assertEqual([row["outcome"] for row in run.report["invocations"]],
                         ["succeeded", "environment_failed", "succeeded"])
        self.assertEqual(answers[0]["invocation"], 1)
        self.assertIn("exit status 5", answers[1]["errorMessage"])
        self.assertEqual(answers[2]["invocation"], 1, "a new process")
        self.assertEqual(answers[2]["earlierRunsInTmp"], 1, "/tmp stays")


@for_each_user
class InitTimeout(EndToEndTest):
    def test_an_init_of_more_than_ten_seconds_is_tried_again_inside_the_invocation(self):
        run = self.space.invoke("init_sleep:10500", "--timeout", "20", report=True)
        self.assertEqual(run.code, 0, run)
        self.assertRegex(run.log, r"(?m)^INIT_REPORT Init Duration: (99|10\d)\d\d\.\d\d ms\tPhase: init\tStatus: timeout$")
        (invocation,) = run.report["invocations"]
        self.assertGreater(invocation["durationMs"], 10500)
        self.assertNotIn("initDurationMs", invocation)
        self.assertNotIn("Init Duration", [line for line in run.log.splitlines() if line.startswith("REPORT")][0])
        self.assertEqual(run.report["init"]["status"], "timeout")

    def test_the_second_init_is_under_the_functions_timeout(self):
        run = self.space.invoke("init_sleep:30000", "--timeout", "1")
        self.assert_function_failed(run)
        self.assertIn(b"Task timed out after 1.00 seconds", run.stdout)
        self.assertRegex(run.log, r"(?m)^INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: invoke\tStatus: timeout$")


@for_each_user
class ExecWrapper(EndToEndTest):
    def invoke(self, wrapper, layers=()):
        code = self.space.tree("py", {"app.py": "def handler(event, context):\n    import os\n"
                                                "    return os.environ.get('WRAPPED')\n"})
        runtime = self.managed_runtime("python")
        return self.space.invoke("app.handler", "--env", f"AWS_LAMBDA_EXEC_WRAPPER={wrapper}", code=code, runtime=runtime,
                                 layers=layers, report=True)

    def test_a_wrapper_runs_the_runtime(self):
        layer = self.space.tree("layer", {"wrapper": ("#!/bin/sh\nexport WRAPPED=yes\nexec \"$@\"\n", 0o755)})
        self.assertEqual(self.assert_returned(self.invoke("/opt/wrapper", [layer])), "yes")

    def test_a_missing_wrapper(self):
        run = self.invoke("/opt/missing")
        self.assert_function_failed(run)
        self.assertIn("/opt/missing: does not exist", run.log)
        self.assertIn("Runtime exited with error: exit status 127", run.json["errorMessage"])

    def test_a_wrapper_that_is_not_executable(self):
        layer = self.space.tree("layer", {"wrapper": ("#!/bin/sh\n", 0o644)})
        run = self.invoke("/opt/wrapper", [layer])
        self.assert_function_failed(run)
        self.assertIn("/opt/wrapper: is not an executable", run.log)
        self.assertIn("Runtime exited with error: exit status 126", run.json["errorMessage"])


if __name__ == "__main__":
    unittest.main()
