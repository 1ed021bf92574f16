"""--repeat: one environment, warm and frozen between its invocations."""

import json
import subprocess
import time
import unittest

from lamina_e2e import EndToEndTest, for_each_user


@for_each_user
class Repeat(EndToEndTest):
    def test_one_line_an_invocation(self):
        run = self.space.invoke("echo", "--repeat", "3", event={"n": 1})
        self.assertEqual(run.stdout, b'{"n": 1}\n' * 3)

    def test_the_process_and_tmp_stay(self):
        run = self.space.invoke("identity", "--repeat", "3", report=True)
        answers = [json.loads(line) for line in run.lines]
        self.assertEqual(len({answer["pid"] for answer in answers}), 1)
        self.assertEqual([answer["invocation"] for answer in answers], [1, 2, 3])
        self.assertEqual([answer["earlierRunsInTmp"] for answer in answers], [0, 1, 1])
        self.assertEqual([row["coldStart"] for row in run.report["invocations"]], [True, False, False])
        self.assertEqual(len({row["requestId"] for row in run.report["invocations"]}), 3)

    def test_a_handler_error_keeps_the_environment(self):
        run = self.space.invoke("fail", "--repeat", "2", report=True)
        self.assertEqual(run.code, 1)
        self.assertEqual([row["coldStart"] for row in run.report["invocations"]], [True, False])
        self.assertEqual(run.log.count("Init Duration"), 1)

    def ticks_while_nobody_reads(self, freeze):
        """How often the function's background thread ran while `lamina` waited for its reader."""
        padding = 1_000_000  # more than a pipe holds
        process = self.space.start("invoke", "--code", self.space.custom_code(), "--runtime", "provided.al2023",
                                   "--handler", f"count:{padding}", "--memory", "1769", "--repeat", "2",
                                   "--freeze", freeze, stderr=subprocess.DEVNULL)
        first = process.stdout.read(1)
        time.sleep(0.4)
        first += process.stdout.readline()
        second = json.loads(process.stdout.readline())
        process.communicate()
        return second["ticksBetween"], second["millisecondsBetween"]

    def test_a_background_thread_stands_still_between_invocations(self):
        ticks, milliseconds = self.ticks_while_nobody_reads("on")
        self.assertGreater(milliseconds, 350, "the test's own pause")
        self.assertLess(ticks, 50)

    def test_without_freezing_it_goes_on(self):
        ticks, milliseconds = self.ticks_while_nobody_reads("off")
        self.assertGreater(milliseconds, 350, "the test's own pause")
        self.assertGreater(ticks, 100)

    def test_many_invocations_keep_their_order_and_leave_no_descriptors(self):
        run = self.space.invoke("identity", "--repeat", "2000")
        self.assertEqual([json.loads(line)["invocation"] for line in run.lines], list(range(1, 2001)))
        descriptors = self.space.invoke("descriptors", "--repeat", "50")
        self.assertEqual(len(set(descriptors.lines)), 1, "the last invocation sees what the first saw")


if __name__ == "__main__":
    unittest.main()
