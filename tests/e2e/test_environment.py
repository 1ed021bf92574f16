"""What a function finds: its variables, its file system, its user and its limits, as on AWS."""

import json
import os
import unittest

from lamina_e2e import EndToEndTest, for_each_user

TASK_LIBRARIES = "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"


def expected_variables(runtime, region="us-east-1", name="my-function", handler="env", memory="128"):
    """The list measured on AWS; None where any value will do."""
    al2 = runtime == "provided.al2"
    xray = "169.254.79.129" if al2 else "169.254.100.1"
    variables = {
        "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_SESSION_TOKEN": None,
        "AWS_REGION": region, "AWS_DEFAULT_REGION": region,
        "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory, "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}", "AWS_LAMBDA_LOG_STREAM_NAME": None,
        "AWS_LAMBDA_RUNTIME_API": None,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR", "AWS_XRAY_DAEMON_ADDRESS": f"{xray}:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": xray, "_AWS_XRAY_DAEMON_PORT": "2000",
        "LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LANG": "en_US.UTF-8", "TZ": ":UTC", "_HANDLER": handler,
        "PATH": ("" if al2 else "/var/lang/bin:") + "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LD_LIBRARY_PATH": ("" if al2 else "/var/lang/lib:") + TASK_LIBRARIES,
    }
    if runtime.startswith("provided"):
        return variables
    # What the start script and the language's runtime add.
    variables.update({"AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}", "PWD": "/var/task", "SHLVL": "0",
                      "_X_AMZN_TRACE_ID": None})
    if runtime.startswith("python"):
        variables["PYTHONPATH"] = "/var/runtime"
        if int(runtime.split(".")[1]) >= 12:
            variables["LC_CTYPE"] = "C.UTF-8"
    if runtime.startswith("nodejs"):
        major = runtime[len("nodejs"):].split(".")[0]
        variables["NODE_PATH"] = (f"/opt/nodejs/node{major}/node_modules:/opt/nodejs/node_modules:"
                                  "/var/runtime/node_modules:/var/runtime:/var/task")
        # AWS's NODE_EXTRA_CA_CERTS of Node.js 16 and 18 names a file that only AWS has.
    return variables


@for_each_user
class Variables(EndToEndTest):
    def variables(self, *arguments, **options):
        run = self.space.invoke("env", *arguments, **options)
        return dict(line.split("=", 1) for line in self.assert_returned(run))

    def assert_variables(self, actual, expected):
        self.assertEqual(sorted(actual), sorted(expected))
        for name, value in expected.items():
            if value is None:
                self.assertNotEqual(actual[name], "", name)
            else:
                self.assertEqual(actual[name], value, name)
        self.assertRegex(actual["AWS_LAMBDA_LOG_STREAM_NAME"], r"^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$")

    def test_the_list_for_provided_al2023(self):
        actual = self.variables("--name", "my-function")
        self.assert_variables(actual, expected_variables("provided.al2023"))
        self.assertRegex(actual["AWS_LAMBDA_RUNTIME_API"], r"^127\.0\.0\.1:\d+$")

    def test_the_list_for_provided_al2(self):
        actual = self.variables("--name", "my-function", "--memory", "512", runtime="provided.al2")
        self.assert_variables(actual, expected_variables("provided.al2", memory="512"))

    def test_the_list_for_python(self):
        runtime = self.managed_runtime("python")
        code = self.space.tree("py", {"app.py": "import os\ndef handler(event, context):\n    return dict(os.environ)\n"})
        run = self.space.invoke("app.handler", "--name", "my-function", code=code, runtime=runtime)
        self.assert_variables(self.assert_returned(run), expected_variables(runtime, handler="app.handler"))

    def test_the_list_for_nodejs(self):
        runtime = self.managed_runtime("nodejs")
        code = self.space.tree("js", {"app.js": "exports.handler = async () => process.env\n"})
        run = self.space.invoke("app.handler", "--name", "my-function", code=code, runtime=runtime)
        self.assert_variables(self.assert_returned(run), expected_variables(runtime, handler="app.handler"))

    def test_with_a_network_of_its_own_the_runtime_api_has_awss_address(self):
        self.assertEqual(self.variables("--network", "none")["AWS_LAMBDA_RUNTIME_API"], "169.254.100.1:9001")

    def test_the_callers_environment_does_not_leak(self):
        actual = self.variables(variables={"SECRET_OF_THE_SHELL": "x", "LD_PRELOAD_PATH": "y"})
        for name in ("SECRET_OF_THE_SHELL", "LD_PRELOAD_PATH", "HOME", "USER", "LAMINA_HOME", "LAMINA_TEST_MARK",
                     "AWS_LAMBDA_FUNCTION_TIMEOUT", "AWS_LAMBDA_FUNCTION_HANDLER"):
            self.assertNotIn(name, actual)

    def test_the_functions_own_variables_arrive_literally(self):
        actual = self.variables("--env", "STAGE=te=st $HOME 'q' \"d\"", "--env", "UMLAUT=grün", "--env", "EMPTY=")
        self.assertEqual(actual["STAGE"], "te=st $HOME 'q' \"d\"")
        self.assertEqual(actual["UMLAUT"], "grün")
        self.assertEqual(actual["EMPTY"], "")

    def test_what_may_be_overridden_is_replaced_wholly(self):
        actual = self.variables("--env", "PATH=/only/this", "--env", "TZ=Europe/Vienna", "--env", "LD_LIBRARY_PATH=/x")
        self.assertEqual((actual["PATH"], actual["TZ"], actual["LD_LIBRARY_PATH"]),
                         ("/only/this", "Europe/Vienna", "/x"))

    def test_variables_come_from_a_file_in_sams_form(self):
        for document in ({"Parameters": {"STAGE": "file", "COUNT": 3}}, {"my-function": {"STAGE": "file", "COUNT": "3"}},
                         {"Parameters": {"STAGE": "all"}, "my-function": {"STAGE": "file", "COUNT": 3}}):
            with self.subTest(document):
                path = self.space.write("env.json", json.dumps(document))
                actual = self.variables("-n", path, "--name", "my-function")
                self.assertEqual((actual["STAGE"], actual["COUNT"]), ("file", "3"))

    def test_a_flag_wins_over_the_file(self):
        path = self.space.write("env.json", '{"Parameters":{"STAGE":"file"}}')
        self.assertEqual(self.variables("-n", path, "--env", "STAGE=flag")["STAGE"], "flag")

    def test_reserved_names_are_refused_with_awss_text(self):
        run = self.space.invoke("env", "--env", "AWS_REGION=x", "--env", "OTHER=1", "--env", "_HANDLER=y")
        self.assertEqual(run.code, 2, run)
        self.assertIn("Lambda was unable to configure your environment variables because the environment variables you "
                      "have provided contains reserved keys that are currently not supported for modification. Reserved "
                      "keys used in this request: AWS_REGION, _HANDLER", run.error)

    def test_more_than_four_kilobytes_are_refused_with_awss_text(self):
        value = "x" * (4096 - len('{"AB":""}'))
        self.assertEqual(self.variables("--env", f"AB={value}")["AB"], value)
        run = self.space.invoke("env", "--env", f"AB={value}x")
        self.assertEqual(run.code, 2, run)
        self.assertIn("exceeded the 4KB limit. String measured: {\"AB\":\"xxx", run.error)

    def test_names_that_lambda_does_not_take_are_refused(self):
        for name in ("1A", "A-B", "A", "Ä1"):
            self.assertEqual(self.space.invoke("env", "--env", f"{name}=x").code, 2, name)


@for_each_user
class FileSystem(EndToEndTest):
    def ask(self, mode, *strings, **options):
        return self.assert_returned(self.space.invoke(mode, event=list(strings), **options))

    def test_the_user_is_sbx_user1051(self):
        process = self.ask("process")
        self.assertEqual((process["uid"], process["gid"], process["euid"], process["egid"]), (993, 990, 993, 990))
        self.assertLessEqual(set(process["groups"]), {990, 65534})
        self.assertEqual(process["noNewPrivileges"], 1)
        passwd = self.ask("read", "/etc/passwd")["/etc/passwd"]
        self.assertRegex(passwd, r"(?m)^sbx_user1051:x:993:990:[^:]*:/home/sbx_user1051:")

    def test_it_has_no_capabilities(self):
        status = self.ask("read", "/proc/self/status")["/proc/self/status"]
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertRegex(status, rf"(?m)^{capabilities}:\t0000000000000000$")

    def test_the_process_starts_as_on_aws(self):
        process = self.ask("process")
        self.assertEqual(process["cwd"], "/var/task")
        self.assertEqual(process["arguments"], ["/var/task/bootstrap"])
        self.assertEqual(process["umask"], 0o22)

    def test_the_limits_are_those_measured_on_aws(self):
        limits = self.ask("process")["limits"]
        self.assertEqual(limits["NOFILE"], [1024, 1024])
        self.assertEqual(limits["NPROC"], [742, 742])
        self.assertEqual(limits["MEMLOCK"], [65536, 65536])
        self.assertEqual(limits["STACK"][0], 8388608)
        self.assertEqual(limits["AS"], [-1, -1])
        self.assertEqual(limits["FSIZE"], [-1, -1])
        # A host may allow less, and only root can ask for more.
        self.assertIn(limits["CORE"][0], (10737418240, 0))

    def test_the_folders_have_awss_owners_and_modes(self):
        status = self.ask("status", "/var/task", "/opt", "/tmp", "/")
        for path, mode in (("/var/task", "0755"), ("/opt", "0755"), ("/tmp", "1777")):
            self.assertEqual((status[path]["type"], status[path]["mode"]), ("directory", mode), path)
        if self.role == "root":
            for path in ("/opt", "/tmp", "/"):
                self.assertEqual((status[path]["uid"], status[path]["gid"]), (0, 0), path)

    def test_everything_but_tmp_is_read_only(self):
        folders = ["/", "/var", "/var/task", "/var/runtime", "/opt", "/etc", "/usr", "/usr/bin", "/bin", "/lib", "/dev",
                   "/proc", "/home", "/run", "/var/tmp", "/var/lang", "/mnt", "/root", "/sys"]
        answers = self.ask("write", *folders, "/tmp")
        self.assertEqual(answers.pop("/tmp"), "written")
        for folder, answer in answers.items():
            self.assertIn(answer, ("EROFS", "EACCES", "ENOENT"), folder)

    def test_there_is_no_shared_memory_folder(self):
        self.assertIn(self.ask("status", "/dev/shm")["/dev/shm"], ("ENOENT",))

    def test_dev_is_minimal(self):
        names = self.ask("list", "/dev")["/dev"]
        for name in ("null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr"):
            self.assertIn(name, names)
        self.assertLessEqual(set(names), {"null", "zero", "full", "random", "urandom", "tty", "fd", "stdin", "stdout",
                                          "stderr", "ptmx", "pts"})

    def test_the_users_home_is_hidden(self):
        secret = os.path.join(self.space.home, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("password")
        os.chmod(secret, 0o644)
        answers = self.ask("read", secret, self.space.store + "/catalogue.sqlite", "/root/.profile", "/etc/shadow", "/etc/sudoers")
        for path, answer in answers.items():
            self.assertIn(answer, ("ENOENT", "EACCES"), path)
        for path, answer in self.ask("list", "/home", "/root", "/work", "/srv", "/media", "/var/lib").items():
            self.assertIn(answer, ("ENOENT", "EACCES", []), path)

    def test_the_root_holds_what_a_function_needs_and_no_more(self):
        names = set(self.ask("list", "/")["/"])
        self.assertLessEqual({"bin", "dev", "etc", "lib", "opt", "proc", "tmp", "usr", "var"}, names)
        self.assertFalse(names & {"work", "root_of_host", "boot", "srv", "media", "old_root", ".old"}, names)

    def test_no_other_processes_are_seen(self):
        processes = [name for name in self.ask("list", "/proc")["/proc"] if name.isdigit()]
        self.assertLessEqual(len(processes), 3, processes)

    def test_mounts_tell_nothing_of_the_host(self):
        mounts = self.ask("read", "/proc/self/mountinfo")["/proc/self/mountinfo"]
        points = [line.split(" ")[4] for line in mounts.splitlines()]
        self.assertNotIn("/sys/fs/cgroup", points)
        for line in mounts.splitlines():
            point, options = line.split(" ")[4:6]
            if point != "/tmp" and not point.startswith(("/dev", "/proc")):
                self.assertIn("ro", options.split(","), line)
        for point in ("/tmp", "/proc"):
            options = [line.split(" ")[5] for line in mounts.splitlines() if line.split(" ")[4] == point][0]
            self.assertIn("nosuid", options)

    def test_tmp_is_as_big_as_asked(self):
        answer = self.assert_returned(self.space.invoke("fill_tmp", "--timeout", "60", "--memory", "2048"))
        self.assertEqual(answer["error"], "ENOSPC")
        self.assertAlmostEqual(answer["bytes"] / 2**20, 512, delta=2)

    def test_hosts_knows_the_sandbox(self):
        self.assertRegex(self.ask("read", "/etc/hosts")["/etc/hosts"], r"(?m)^\S+\s.*\bsandbox\.localdomain\b")

    def test_threads_are_limited(self):
        answer = self.assert_returned(self.space.invoke("threads:2000", "--memory", "1024"))
        self.assertEqual(answer["error"], "EAGAIN")
        self.assertLessEqual(answer["started"], 1100)
        self.assertGreaterEqual(answer["started"], 700)

    def test_exactly_the_three_standard_descriptors_are_open(self):
        for arguments in ((), ("--network", "none"), ("--freeze", "on", "--repeat", "2")):
            descriptors = json.loads(self.space.invoke("descriptors", *arguments).lines[0])
            self.assertEqual(sorted(descriptors), ["0", "1", "2"], descriptors)
            self.assertEqual(descriptors["0"], "/dev/null")

    def test_the_callers_descriptors_do_not_leak(self):
        with open("/etc/passwd", "rb") as secret:
            os.set_inheritable(secret.fileno(), True)
            run = self.space.invoke("descriptors", pass_fds=(secret.fileno(),))
        self.assertEqual(sorted(self.assert_returned(run)), ["0", "1", "2"])


if __name__ == "__main__":
    unittest.main()
