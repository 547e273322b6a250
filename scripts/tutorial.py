#!/usr/bin/env python3
"""Runs the commands of the tutorial and compares what they print with what the tutorial says.

    scripts/tutorial.py FOLDER PAGE…            FOLDER: where the commands run; holds bin/ and the shell's files
    scripts/tutorial.py --record FOLDER PAGE…   puts what was printed into the pages instead

scripts/tutorial.sh makes the folder and calls this. Commands are the lines beginning with "$ " in blocks ```console,
with the lines that a backslash at the end joins to them; what follows, up to the next command, is their output. All
commands of all pages run in one bash, in order. A command must end with exit code 0, within COMMAND_SECONDS. Servers
that the commands start must be stopped by commands, too. In the pages' output

    …          stands for anything within a line
    0.69…      for a number that differs from this one by at most NUMBER_SHARE of it
    … alone    in a line for any lines, also none

and blanks in a row count as one: columns may have another width.
"""

import difflib
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path

COMMAND_SECONDS = float(os.environ.get("TALLY_TUTORIAL_SECONDS", "90"))
# How long the servers have for their end behind the last command.
END_SECONDS = 10
ANY = "…"
# How far a number may be from the one that is shown: releases of libxgboost learn slightly different trees.
NUMBER_SHARE = 0.25
NUMBER = r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?"
VARYING = re.compile(rf"(?:(?<![\w.,])({NUMBER}))?{ANY}")


class Step:
    """A command of a page and the output that the page shows; lines are counted from 0."""

    def __init__(self, page, line, command):
        self.page = page
        self.line = line
        self.command = command
        self.expected = []
        # Where the output stands in the page: from here, as many lines as are expected.
        self.output_line = line

    def place(self):
        return f"{self.page}:{self.line + 1}"


class Failed(Exception):
    """The tutorial does not do what it says; the text tells where and how."""


def steps_of(page):
    """The commands of a page. Raises Failed at output that belongs to no command."""
    steps = []
    step = None
    inside = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines()):
        if not inside:
            inside = line.strip() == "```console"
            step = None
        elif line.startswith("```"):
            inside = False
        elif step is not None and step.command.endswith("\\") and step.output_line == number:
            step.command += "\n" + line
            step.output_line = number + 1
        elif line.startswith("$ "):
            step = Step(page, number, line[2:])
            step.output_line = number + 1
            steps.append(step)
        elif step is None:
            raise Failed(f"{page}:{number + 1}: output without a command")
        else:
            step.expected.append(line)
    return steps


class Line:
    """A line of the tutorial, to compare printed ones with."""

    def __init__(self, text):
        text = one_blank(text)
        self.is_gap = text.strip() == ANY
        self.numbers = []
        body = ""
        end = 0
        for found in VARYING.finditer(text):
            body += re.escape(text[end:found.start()])
            end = found.end()
            if found[1]:
                self.numbers.append(number(found[1]))
                # What a program prints may have the sign itself.
                body += f"({NUMBER}){ANY}?"
            else:
                body += ".*"
        self.pattern = re.compile(body + re.escape(text[end:]))

    def fits(self, printed):
        found = self.pattern.fullmatch(one_blank(printed))
        return found is not None and all(
            abs(number(text) - wanted) <= NUMBER_SHARE * abs(wanted)
            for text, wanted in zip(found.groups(), self.numbers))


def one_blank(text):
    return re.sub(r"\s+", " ", text).rstrip()


def number(text):
    return float(text.replace(",", ""))


def match(expected, printed):
    """Whether the printed lines are what is expected; and they themselves, written as expected where they fit."""
    # reached[i]: the first i expected lines fit what has been printed so far.
    wanted = [Line(line) for line in expected]
    reached = through_gaps({0}, wanted)
    for line in printed:
        following = {i for i in reached if i < len(wanted) and wanted[i].is_gap}
        following |= {i + 1 for i in reached if i < len(wanted) and not wanted[i].is_gap and wanted[i].fits(line)}
        reached = through_gaps(following, wanted)
    if len(wanted) in reached:
        return True, list(expected)
    masked = []
    for line in printed:
        same = [text for text, want in zip(expected, wanted) if not want.is_gap and want.fits(line)]
        masked.append(same[0] if same else line)
    return False, masked


def through_gaps(reached, wanted):
    """Adds the places that are reached when lines of … stand for nothing."""
    reached = set(reached)
    for i in sorted(reached):
        while i < len(wanted) and wanted[i].is_gap:
            i += 1
            reached.add(i)
    return reached


class Session:
    """One bash in a process group of its own; everything that commands start belongs to it."""

    def __init__(self, folder):
        self.folder = folder
        self.mark = f"tutorial-{os.getpid()}-{time.monotonic_ns()}"
        self.number = 0
        self.buffer = b""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TALLY_")}
        environment |= {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "TZ": "UTC", "COLUMNS": "120",
        }
        self.bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder / "shop", env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        os.set_blocking(self.bash.stdout.fileno(), False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.bash.stdout, selectors.EVENT_READ)

    def run(self, command):
        """Runs one command: its lines and exit code (None: bash itself has ended). Raises Failed after too long."""
        self.number += 1
        script = self.folder / f"command-{self.number}"
        script.write_text(command + "\n", encoding="utf-8")
        end = f"{self.mark}-{self.number}"
        self.bash.stdin.write(f". {script} </dev/null; printf '\\n%s %d\\n' {end} $?\n".encode())
        self.bash.stdin.flush()
        limit = time.monotonic() + COMMAND_SECONDS
        ending = re.compile(rb"\n" + end.encode() + rb" (\d+)\n")
        while True:
            found = ending.search(self.buffer)
            if found:
                text = self.buffer[:found.start()]
                self.buffer = self.buffer[found.end():]
                return lines_of(text), int(found[1])
            left = limit - time.monotonic()
            if left <= 0:
                text = "\n".join(lines_of(self.buffer))
                raise Failed(f"not finished after {COMMAND_SECONDS:.0f} s; printed so far:\n{text}")
            if self.selector.select(min(left, 1.0)):
                data = self.bash.stdout.read()
                if data == b"":
                    return lines_of(self.buffer), None
                self.buffer += data or b""

    def end(self):
        """Ends bash. Returns whether something that commands have started is still running."""
        self.bash.stdin.close()
        limit = time.monotonic() + END_SECONDS
        while time.monotonic() < limit:
            self.bash.poll()
            if not self.is_running():
                return False
            time.sleep(0.05)
        return True

    def is_running(self):
        try:
            os.killpg(self.bash.pid, 0)
            return True
        except ProcessLookupError:
            return False

    def kill(self):
        for order in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.bash.pid, order)
            except ProcessLookupError:
                return
            limit = time.monotonic() + 5
            while time.monotonic() < limit and self.is_running():
                self.bash.poll()
                time.sleep(0.05)


def lines_of(data):
    """Printed lines as a terminal shows them in the end: of what a carriage return overwrites, the last."""
    lines = [line.rsplit("\r", 1)[-1].rstrip() for line in data.decode("utf-8", "replace").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def check(step, session):
    """Runs a step. Returns what it printed, for the record. Raises Failed when the tutorial says something else."""
    try:
        printed, code = session.run(step.command)
    except Failed as error:
        raise Failed(f"{step.place()}: $ {step.command}\n{error}") from None
    expected = list(step.expected)
    while expected and not expected[-1].strip():
        expected.pop()
    fits, masked = match(expected, printed)
    if code != 0:
        what = "bash ended" if code is None else f"exit code {code}"
        raise Failed("\n".join([f"{step.place()}: $ {step.command}", f"{what}; printed:", *printed]))
    if not fits:
        difference = difflib.unified_diff(expected, masked, "the tutorial says", "printed", lineterm="", n=2)
        raise Differs("\n".join([f"{step.place()}: $ {step.command}", *difference]), masked)
    return expected


class Differs(Failed):
    """A command printed something else."""

    def __init__(self, text, printed):
        super().__init__(text)
        self.printed = printed


def record(recorded):
    """Puts output into the pages, from the last to the first, so that line numbers stay true."""
    for step, printed in reversed(recorded):
        lines = step.page.read_text(encoding="utf-8").splitlines()
        lines[step.output_line:step.output_line + len(step.expected)] = printed
        step.page.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"tutorial: {step.place()}: output recorded")


def run(folder, pages, is_recording):
    steps = [step for page in pages for step in steps_of(page)]
    if not steps:
        raise Failed("no commands: blocks ```console with lines that begin with \"$ \" are looked for")
    began = time.monotonic()
    session = Session(folder)
    # The shell that called this ends the group when this process cannot.
    (folder / "group").write_text(f"{session.bash.pid}\n")
    recorded = []
    try:
        for step in steps:
            try:
                check(step, session)
            except Differs as error:
                if not is_recording:
                    raise
                recorded.append((step, error.printed))
        if session.end():
            raise Failed("behind the last command something that the tutorial has started is still running")
    finally:
        session.kill()
        (folder / "group").unlink()
        record(recorded)
    print(f"tutorial: {len(steps)} commands of {len(pages)} pages do what they say, {time.monotonic() - began:.0f} s")


def main():
    words = sys.argv[1:]
    is_recording = words[:1] == ["--record"]
    words = words[is_recording:]
    if len(words) < 2 or words[0].startswith("-"):
        print(__doc__)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run(Path(words[0]).resolve(), [Path(word) for word in words[1:]], is_recording)
    except Failed as error:
        print(f"tutorial: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
