#!/usr/bin/env python3
"""Writes manual pages of section 1 from what the program says of its own commands.

    scripts/man.py PROGRAM FOLDER

One page for each command: tally.1, tally-run.1, tally-dead-letters-show.1, and so on. The date is that of SOURCE_DATE_EPOCH
(seconds since 1970), or else today's. Exit code 1 when the program cannot be asked, 64 after wrong usage.
"""

import datetime
import json
import os
import pathlib
import subprocess
import sys

HELP_SECONDS = 60


def escaped(text):
    """Text as groff prints it as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def bold(text):
    return "\\fB" + escaped(text) + "\\fR"


def italic(text):
    return "\\fI" + escaped(text) + "\\fR"


def flag(name):
    return ("--" if name["kind"] == "long" else "-") + name["name"]


def value(argument):
    return " " + italic(argument["valueName"].upper()) if argument["kind"] == "option" else ""


def shown(items):
    return [item for item in items or [] if item.get("shouldDisplay", True)]


class Page:
    """The page of one command."""

    def __init__(self, command, words, version, date):
        self.command = command
        self.words = words
        self.name = "-".join(words)
        self.below = [item for item in shown(command.get("subcommands")) if item["commandName"] != "help"]
        self.arguments = shown(command.get("arguments"))
        self.head = f'.TH "{self.name.upper()}" "1" "{date}" "tally {version}" "Tally"'

    def text(self):
        command = self.command
        lines = [self.head, ".SH NAME", f"{escaped(self.name)} \\- {escaped(self.abstract())}"]
        # Neither broken nor filled: one command, one line.
        lines += [".SH SYNOPSIS", self.synopsis()]
        discussion = command.get("discussion")
        lines += [".SH DESCRIPTION", escaped(command.get("abstract", ""))]
        if discussion:
            # Lines are broken by hand, and examples stand among them.
            lines += [".PP", ".nf", escaped(discussion), ".fi"]
        positional = [item for item in self.arguments if item["kind"] == "positional"]
        options = [item for item in self.arguments if item["kind"] != "positional"]
        if positional:
            lines += [".SH ARGUMENTS"]
            for item in positional:
                lines += [".TP", italic(item["valueName"].upper()), self.said(item)]
        if options:
            lines += [".SH OPTIONS"]
            for item in options:
                names = sorted(item["names"], key=lambda name: name["kind"] == "long")
                lines += [".TP", ", ".join(bold(flag(name)) for name in names) + value(item), self.said(item)]
        if self.below:
            lines += [".SH COMMANDS"]
            for item in self.below:
                name = "-".join(self.words + [item["commandName"]])
                lines += [".TP", f"{bold(name)}(1)", escaped(item.get("abstract", ""))]
        lines += [".SH SEE ALSO", self.others(), ".PP", escaped("The manual: /usr/share/doc/tally")]
        return "\n".join(lines) + "\n"

    def abstract(self):
        """For whatis: without a full stop."""
        return self.command.get("abstract", "").split("\n")[0].rstrip(".")

    def synopsis(self):
        parts = [bold(" ".join(self.words))]
        if self.below:
            parts.append(italic("COMMAND"))
        required = [item for item in self.arguments if item["kind"] == "option" and not item["isOptional"]]
        if any(item["kind"] != "positional" for item in self.arguments):
            parts.append("[" + italic("OPTIONS") + "]")
        parts += [bold(flag(item["preferredName"])) + value(item) for item in required]
        for item in self.arguments:
            if item["kind"] == "positional":
                name = italic(item["valueName"].upper()) + (" ..." if item["isRepeating"] else "")
                parts.append(f"[{name}]" if item["isOptional"] else name)
        return " ".join(parts)

    @staticmethod
    def said(argument):
        text = argument.get("abstract", "")
        if values := argument.get("allValues"):
            text += f" (one of: {', '.join(values)})"
        if (default := argument.get("defaultValue")) is not None:
            text += f" (default: {default})"
        return escaped(text.strip()) or "\\&"

    def others(self):
        above = ["-".join(self.words[:count]) for count in range(1, len(self.words))]
        names = above + ["-".join(self.words + [item["commandName"]]) for item in self.below]
        return ",\n".join(f"{bold(name)}(1)" for name in names)

    def pages(self, version, date):
        yield self
        for item in self.below:
            yield from Page(item, self.words + [item["commandName"]], version, date).pages(version, date)


def ask(program, option):
    try:
        return subprocess.run(
            [program, option], check=True, capture_output=True, text=True, encoding="utf-8", timeout=HELP_SECONDS).stdout
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(f"man: {program} {option}: {error}")


def main():
    if sys.argv[1:] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return
    if len(sys.argv) != 3:
        print("man: takes PROGRAM and FOLDER; see --help", file=sys.stderr)
        sys.exit(64)
    program, folder = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2])
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc) if seconds else datetime.datetime.now()
    version = ask(program, "--version").strip()
    command = json.loads(ask(program, "--experimental-dump-help"))["command"]
    folder.mkdir(parents=True, exist_ok=True)
    date = moment.date().isoformat()
    for page in Page(command, [command["commandName"]], version, date).pages(version, date):
        (folder / f"{page.name}.1").write_text(page.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
