"""The main job: one command runs a function and prints what it answers."""

import json
import unittest

from lamina_e2e import EndToEndTest, for_each_user


@for_each_user
class Invoke(EndToEndTest):
    def test_the_response_is_the_only_thing_on_stdout(self):
        run = self.space.invoke("echo", event={"key": [1, "zwei", None]})
        self.assertEqual(run.code, 0, run)
        self.assertEqual(run.stdout, b'{"key": [1, "zwei", null]}\n')

    def test_without_an_event_the_function_gets_the_empty_object(self):
        self.assertEqual(self.space.invoke("echo").stdout, b"{}\n")

    def test_an_empty_event_becomes_the_empty_object(self):
        run = self.space.invoke("echo", "-e", "-", input=b"")
        self.assertEqual(run.stdout, b"{}\n", run)

    def test_the_event_comes_from_a_file(self):
        event = self.space.write("event.json", '{"from":"file"}')
        self.assertEqual(self.space.invoke("echo", "-e", event).stdout, b'{"from":"file"}\n')

    def test_the_event_comes_from_standard_input(self):
        run = self.space.invoke("echo", "-e", "-", input=b'[1,2]')
        self.assertEqual(run.stdout, b"[1,2]\n", run)

    def test_the_event_reaches_the_function_byte_for_byte(self):
        event = '{ "spaces" :  1.10, "ünï": "\\u0041\\n" }'.encode()
        run = self.space.invoke("echo", "-e", "-", input=event)
        self.assertEqual(run.stdout, event + b"\n", run)

    def test_an_event_of_the_largest_size_is_taken(self):
        event = b'"' + b"x" * (6_291_456 - 2) + b'"'
        run = self.space.invoke("echo", "--timeout", "30", "-e", "-", input=event)
        self.assertEqual(run.code, 0, run)
        self.assertEqual(run.stdout, event + b"\n")

    def test_the_invocation_carries_the_headers_of_lambda(self):
        head = self.assert_returned(self.space.invoke("headers", "--name", "my-function",
                                                      variables={"AWS_REGION": "eu-west-3"}))
        self.assertRegex(head, r"^HTTP/1\.1 200 ")
        headers = dict(line.split(": ", 1) for line in head.strip().split("\r\n")[1:])
        headers = {name.lower(): value for name, value in headers.items()}
        self.assertRegex(headers["lambda-runtime-aws-request-id"], r"^[0-9a-f-]{36}$")
        self.assertRegex(headers["lambda-runtime-deadline-ms"], r"^\d{13}$")
        self.assertRegex(headers["lambda-runtime-invoked-function-arn"],
                         r"^arn:aws:lambda:eu-west-3:\d{12}:function:my-function$")
        self.assertRegex(headers["lambda-runtime-trace-id"],
                         r"^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01]")
        self.assertEqual(headers["content-type"], "application/json")
        self.assertNotIn("lambda-runtime-client-context", headers)
        self.assertNotIn("lambda-runtime-cognito-identity", headers)

    def test_the_runtime_api_answers_as_the_contract_states(self):
        calls = self.assert_returned(self.space.invoke("protocol", event="same again"))
        answers = {call["call"]: call for call in calls}

        def answer(call):
            return answers[call]["status"], answers[call].get("body", "").strip()

        api = "/2018-06-01/runtime"
        self.assertEqual(answer("GET /2018-06-01/ping"), (200, "pong"))
        self.assertEqual(answer(f"GET {api}/invocation/next"), (200, '"same again"'))
        for what in ("response", "error"):
            status, body = answer(f"POST {api}/invocation/not-it/{what}")
            self.assertEqual(status, 400)
            self.assertEqual(body, '{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}')
        status, body = answer(f"POST {api}/init/error")
        self.assertEqual(status, 403)
        self.assertEqual(json.loads(body)["errorType"], "InvalidStateTransition")
        self.assertIn("State transition from Running to InitError failed for runtime", body)
        self.assertEqual(answer(f"GET {api}/restore/next")[0], 404)
        self.assertEqual(answer("GET /2018-06-01/nothing/here")[0], 404)
        self.assertEqual(answer(f"POST {api}/invocation/next")[0], 405)

    def test_garbage_on_the_runtime_api_harms_nobody(self):
        run = self.space.invoke("garbage", "--timeout", "10")
        self.assertEqual(self.assert_returned(run), "still here")

    def test_provided_al2_runs_too(self):
        self.assert_returned(self.space.invoke("echo", runtime="provided.al2"))

    def test_code_may_be_a_zip(self):
        from lamina_e2e import BOOTSTRAP, file_entry
        with open(BOOTSTRAP, "rb") as program:
            archive = self.space.zip("code.zip", [file_entry("bootstrap", program.read(), 0o755)])
        self.assertEqual(self.space.invoke("echo", code=archive, event=7).stdout, b"7\n")

    def test_the_bootstrap_may_come_from_a_layer(self):
        code = self.space.tree("only-data", {"data.txt": "x"})
        run = self.space.invoke("echo", code=code, layers=[self.space.custom_code("layer")], event=[])
        self.assertEqual(run.stdout, b"[]\n", run)

    def test_the_report_tells_what_happened(self):
        layer = self.space.tree("layer", {"data.txt": "some data"})
        run = self.space.invoke("echo", "--name", "reported", "--memory", "256", event={"a": 1}, layers=[layer],
                                report=True)
        self.assert_returned(run)
        report = run.report
        self.assertEqual(report["schemaVersion"], 1)
        self.assertEqual(report["function"]["name"], "reported")
        self.assertEqual(report["function"]["runtime"], "provided.al2023")
        self.assertEqual(report["function"]["memorySize"], 256)
        self.assertEqual([row["reference"] for row in report["layers"]], [layer])
        self.assertEqual(report["layers"][0]["origin"], "folder")
        self.assertEqual(report["layers"][0]["unpackedBytes"], len("some data"))
        self.assertEqual(report["layers"][0]["files"], 1)
        self.assertEqual(report["init"]["status"], "success")
        self.assertGreater(report["init"]["durationMs"], 0)
        phases = [row["phase"] for row in report["timeline"]]
        for phase in ("resolve", "compose", "sandbox", "runtime init"):
            self.assertIn(phase, phases)
        (invocation,) = report["invocations"]
        self.assertIs(invocation["coldStart"], True)
        self.assertEqual(invocation["outcome"], "succeeded")
        self.assertIsNone(invocation["errorType"])
        self.assertEqual(invocation["response"], {"a": 1})
        self.assertGreater(invocation["durationMs"], 0)
        self.assertIn(invocation["requestId"], run.log)

    def test_an_interrupted_run_ends_at_once_and_says_so_in_its_exit_code(self):
        import signal
        import time
        process = self.space.start("invoke", "--code", self.space.custom_code(), "--runtime", "provided.al2023",
                                   "--handler", "sleep:20000", "--timeout", "30")
        line = b""
        while not line.startswith(b"START"):
            line = process.stderr.readline()
            self.assertNotEqual(line, b"")
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        process.communicate(timeout=20)
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual(process.returncode, 130)


if __name__ == "__main__":
    unittest.main()
