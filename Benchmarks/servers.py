"""Redis and PostgreSQL of a run's own, on free loopback ports in a temporary folder."""
import glob
import os
import shutil
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Servers:
    """Both without fsync-on-write extras: Redis without an append-only file, PostgreSQL with its defaults."""

    def __init__(self, postgres):
        self.folder = tempfile.mkdtemp(prefix="tally-bench-")
        self.redis_port = free_port()
        self.redis = subprocess.Popen(
            ["redis-server", "--port", str(self.redis_port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1",
             "--dir", self.folder], stdout=subprocess.DEVNULL)
        self.postgres = self.postgres_pid = None
        try:
            self.wait_for_redis()
            if postgres:
                self.start_postgres()
        except BaseException:
            self.close()
            raise

    def wait_for_redis(self):
        for _ in range(200):
            if self.redis_cli("ping").strip() == "PONG":
                return
            time.sleep(0.05)
        raise SystemExit("bench: redis-server does not answer")

    def redis_cli(self, *words):
        return subprocess.run(["redis-cli", "-p", str(self.redis_port), *words], capture_output=True, text=True).stdout

    def start_postgres(self):
        bin_folder = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        data, port = self.folder + "/pg", free_port()
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if user:
            shutil.chown(self.folder, "postgres")
        self.pg_stop = user + [bin_folder + "/pg_ctl", "-D", data, "-m", "fast", "stop"]
        for command in (
            [bin_folder + "/initdb", "-D", data, "-A", "trust", "-U", "bench"],
            [bin_folder + "/pg_ctl", "-D", data, "-o", f"-p {port} -k {self.folder} -c listen_addresses=127.0.0.1", "-l",
             data + "/log", "-w", "start"],
        ):
            subprocess.run(user + command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder)
        self.postgres_pid = int(open(data + "/postmaster.pid").readline())
        place = f"host=127.0.0.1 port={port} user=bench"
        subprocess.run(["psql", "-q", place + " dbname=postgres", "-c", "CREATE DATABASE tally"], check=True)
        self.postgres = place + " dbname=tally"

    def reset(self):
        """Both as if new."""
        self.redis_cli("flushall")
        if self.postgres:
            subprocess.run(["psql", "-q", self.postgres, "-c",
                            "SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public"],
                           check=True, stdout=subprocess.DEVNULL)

    def rows(self, table):
        return int(subprocess.run(["psql", "-qAt", self.postgres, "-c", f"SELECT count(*) FROM {table}"], check=True,
                                  capture_output=True, text=True).stdout)

    def close(self):
        self.redis.terminate()
        self.redis.wait()
        if self.postgres_pid:
            subprocess.run(self.pg_stop, stdout=subprocess.DEVNULL, cwd="/")
        shutil.rmtree(self.folder, ignore_errors=True)
