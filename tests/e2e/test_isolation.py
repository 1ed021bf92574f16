"""Nothing stays: not after a run, not after SIGKILL at any moment; and processes share the store safely."""

import os
import random
import signal
import subprocess
import time
import unittest

from lamina_e2e import EndToEndTest, file_entry, for_each_user, leftovers

FILES = 800


@for_each_user
class Isolation(EndToEndTest):
    def big_layer(self):
        content = random.Random(1)
        return self.space.zip("layer.zip", [file_entry(f"lib/folder{n % 20}/file{n}", content.randbytes(2000))
                                            for n in range(FILES)], level=1)

    def warm_store(self):
        self.assert_returned(self.space.invoke("echo"))

    def test_a_run_leaves_nothing_but_its_tree_in_the_store(self):
        self.warm_store()
        before = self.space.traces()
        self.assert_returned(self.space.invoke("echo", layers=[self.space.custom_code("other")]))
        self.assertEqual(leftovers(self.space, before), {})

    def test_children_that_want_to_stay_die_with_the_environment(self):
        self.warm_store()
        before = self.space.traces()
        mark = f"LEFT_{self.space.mark}"
        self.assert_returned(self.space.invoke("leave_children", "--env", f"{mark}=1"))
        self.assertEqual(leftovers(self.space, before), {})
        needle = mark.encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    self.assertNotIn(needle, file.read(), f"process {pid} stayed")
            except OSError:
                continue

    def test_after_a_crash_children_of_the_dead_runtime_are_gone_before_the_next_init(self):
        run = self.space.invoke("dies_on_second", "--repeat", "3", report=True)
        self.assertEqual(len(run.report["invocations"]), 3, run)
        self.assertEqual(self.space.processes(), [])

    def test_sigkill_at_any_moment_leaves_nothing(self):
        self.warm_store()
        layer = self.big_layer()
        # How long a whole run takes decides where the moments lie.
        started = time.monotonic()
        self.assertEqual(self.space.invoke("sleep:20", "--repeat", "2", layers=[layer]).code, 0)
        whole = min(time.monotonic() - started, 0.6)
        self.space.run("store", "gc", "--unused-for", "0")
        self.warm_store()
        before = self.space.traces()
        moments = random.Random(2024)
        mark = f"KILLED_{self.space.mark}"
        for round_number in range(50):
            process = self.space.start(
                "invoke", "--code", self.space.custom_code(), "--runtime", "provided.al2023", "--handler", "sleep:20",
                "--repeat", "2", "--layer", layer, "--env", f"{mark}=1", start_new_session=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(moments.uniform(0, whole * 1.1))
            process.send_signal(signal.SIGKILL)
            process.wait()
            left = self.processes_after_a_moment(mark)
            self.assertEqual(left, [], f"after SIGKILL number {round_number}")
        # Mounts die with their namespace. Empty cgroups and unfinished extractions are the next start's to remove.
        self.assert_returned(self.space.invoke("echo", layers=[layer]))
        left = leftovers(self.space, before)
        store = left.pop("store", [])
        self.assertEqual(left, {})
        self.assertEqual([name for name in store if name.startswith("tmp/")], [])
        self.assert_tree_is_whole(layer)

    def processes_after_a_moment(self, mark):
        end = time.monotonic() + 3
        while True:
            left = self.space.processes()
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/environ", "rb") as file:
                        if mark.encode() in file.read():
                            left.append(int(pid))
                except OSError:
                    continue
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.005)

    def assert_tree_is_whole(self, layer):
        tree = self.space.run("store", "path", layer).stdout.decode().strip()
        count = sum(len(files) for _, _, files in os.walk(tree))
        self.assertEqual(count, FILES)

    def test_twenty_processes_extract_the_same_layer_at_once(self):
        layer = self.big_layer()
        code = self.space.custom_code()
        runs = [self.space.start("invoke", "--code", code, "--runtime", "provided.al2023", "--handler", "list",
                                 "--timeout", "60", "--layer", layer, "-d", '["/opt/lib/folder7"]') for _ in range(20)]
        answers = []
        for run in runs:
            stdout, stderr = run.communicate(timeout=120)
            self.assertEqual(run.returncode, 0, stderr.decode())
            answers.append(stdout)
        self.assertEqual(len(set(answers)), 1)
        self.assertEqual(answers[0].count(b"file"), FILES // 20)
        self.assert_tree_is_whole(layer)
        self.assertEqual(os.listdir(os.path.join(self.space.store, "tmp")), [])

    def test_one_run_does_not_see_another(self):
        other = self.space.start("invoke", "--code", self.space.custom_code(), "--runtime", "provided.al2023",
                                 "--handler", "sleep:3000", "--timeout", "10")
        while not other.stderr.readline().startswith(b"START"):
            pass
        names = self.assert_returned(self.space.invoke("list", event=["/proc", "/tmp"]))
        self.assertLessEqual(len([name for name in names["/proc"] if name.isdigit()]), 3)
        self.assertEqual(names["/tmp"], [])
        other.kill()
        other.communicate()

    def test_a_reader_that_goes_away_ends_the_run(self):
        process = self.space.start("invoke", "--code", self.space.custom_code(), "--runtime", "provided.al2023",
                                   "--handler", "big:500000", "--repeat", "50", stderr=subprocess.DEVNULL)
        process.stdout.read(10)
        process.stdout.close()
        self.assertNotIn(process.wait(timeout=20), (0, 70))
        self.assertEqual(self.processes_after_a_moment(self.space.mark), [])


if __name__ == "__main__":
    unittest.main()
