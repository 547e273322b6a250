#!/usr/bin/env python3
"""Checks the documents: what they link, name and show must exist, and docs/ keeps to the glossary.

    scripts/check-docs.py .build/debug/tally     everything
    scripts/check-docs.py                        without the commands, which only the program knows

Looks at README.md, ARCHITECTURE.md, CONTRIBUTING.md, CHANGELOG.md and docs/**/*.md:

* relative links lead to files, their anchors to headings;
* repository paths in backticks exist: from the root, from Sources/ or Tests/, or a source file's bare name;
* `tally SUBCOMMAND` and its flags in code exist, as `tally SUBCOMMAND --help` of the given program says;
* docs/ has none of the words of the last column of the table in docs/glossary.md, code left out;
* docs/reference/metrics.md names every metric that Sources/Serve/PrometheusText.swift writes, and no other `tally_…`;
* every page of docs/ is linked from another document.

Findings are printed as FILE:LINE: TEXT. Exit code 1 when there are any, 2 when the script cannot work.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
TOP = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
GLOSSARY = "docs/glossary.md"
METRICS_PAGE = "docs/reference/metrics.md"
METRICS_SOURCE = "Sources/Serve/PrometheusText.swift"
# Where reading docs/ begins: nothing needs to link it.
ENTRY = "docs/README.md"
# Files that may be named without their folder.
SOURCE_SUFFIXES = (".swift", ".c", ".h", ".cpp", ".proto", ".py", ".sh", ".md")
# Fences whose lines are commands.
SHELLS = ("sh", "bash", "shell", "zsh")
HELP_SECONDS = 30


class Document:
    """A Markdown file: its lines with code told apart, and its anchors."""

    def __init__(self, path):
        self.path = path
        self.name = path.relative_to(ROOT).as_posix()
        self.lines = path.read_text(encoding="utf-8").splitlines()
        # For each line: None (text), or (language, number of the block).
        self.code = [None] * len(self.lines)
        self.find_code()
        # Text with code spans blanked, joined where a span goes over a line's end.
        self.spans = []
        self.text = self.blank_spans()
        self.anchors = self.find_anchors()

    def find_code(self):
        fence = None
        block = 0
        previous_blank = True
        indented = False
        in_list = False
        for index, line in enumerate(self.lines):
            if fence:
                self.code[index] = (fence[1], block)
                if re.fullmatch(r" {0,3}" + re.escape(fence[0]) + r"[`~]*\s*", self.strip_indent(line, fence[2])):
                    fence = None
                continue
            opening = re.match(r"^(\s*)(`{3,}|~{3,})\s*([^\s`{]*)", line)
            if opening:
                block += 1
                fence = (opening[2], opening[3].lower(), len(opening[1]))
                self.code[index] = (fence[1], block)
                indented = False
                continue
            if not line.strip():
                previous_blank = True
                continue
            if re.match(r"^( {4}|\t)", line) and (indented or previous_blank) and not in_list:
                if not indented:
                    block += 1
                indented = True
                self.code[index] = ("", block)
            else:
                indented = False
                if re.match(r"^\s*([-*+]|\d+[.)])\s", line):
                    in_list = True
                elif not line.startswith(" ") and previous_blank:
                    in_list = False
            previous_blank = False

    @staticmethod
    def strip_indent(line, count):
        return line[count:] if line[:count].strip() == "" else line

    def blank_spans(self):
        """Replaces code spans by blanks; a paragraph's span may go over a line's end."""
        text = [line if self.code[i] is None else "" for i, line in enumerate(self.lines)]
        start = 0
        while start < len(text):
            end = start
            while end < len(text) and text[end].strip():
                end += 1
            if end > start:
                self.blank_paragraph(text, start, end)
            start = end + 1
        return text

    def blank_paragraph(self, text, start, end):
        joined = "\n".join(text[start:end])
        pieces = []
        at = 0
        for match in re.finditer(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", joined, re.S):
            line = start + joined.count("\n", 0, match.start())
            self.spans.append((line, re.sub(r"\s*\n\s*", " ", match[2]).strip()))
            pieces.append(joined[at:match.start()])
            pieces.append(re.sub(r"[^\n]", " ", match[0]))
            at = match.end()
        pieces.append(joined[at:])
        text[start:end] = "".join(pieces).split("\n")

    def find_anchors(self):
        anchors = set()
        seen = {}
        for index, line in enumerate(self.lines):
            if self.code[index] is not None:
                continue
            for name in re.findall(r"<a\s+(?:id|name)=\"([^\"]+)\"", line):
                anchors.add(name)
            heading = re.match(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$", line)
            if not heading:
                continue
            slug = slug_of(heading[1])
            count = seen.get(slug, 0)
            seen[slug] = count + 1
            anchors.add(slug if count == 0 else f"{slug}-{count}")
        return anchors

    def links(self):
        """Line and target of every link that stands in text."""
        for index, line in enumerate(self.text):
            for match in re.finditer(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)", line):
                yield index + 1, match[1]
            definition = re.match(r"^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)>?", line)
            if definition:
                yield index + 1, definition[1]


def slug_of(heading):
    """GitHub's anchor of a heading."""
    heading = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    heading = heading.replace("`", "")
    heading = re.sub(r"[*_]{1,2}(\S.*?\S|\S)[*_]{1,2}", r"\1", heading)
    kept = "".join(c for c in heading.strip().lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


class Checker:
    def __init__(self, program):
        self.program = program
        self.findings = []
        paths = [ROOT / name for name in TOP if (ROOT / name).is_file()]
        paths += sorted((ROOT / "docs").rglob("*.md"))
        self.documents = [Document(path) for path in paths]
        self.by_name = {document.name: document for document in self.documents}
        self.files = self.list_files()
        self.names = {path.rsplit("/", 1)[-1] for path in self.files}
        self.tops = {path.split("/", 1)[0] for path in self.files}
        self.modules = {
            path.split("/")[1] for path in self.files if path.startswith(("Sources/", "Tests/")) and path.count("/") > 1
        }

    def list_files(self):
        """The repository's files: what git knows, or everything where there is no git."""
        try:
            listed = subprocess.run(
                ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"],
                capture_output=True, check=True, text=True).stdout.split("\0")
            return {name for name in listed if name and (ROOT / name).exists()}
        except (OSError, subprocess.CalledProcessError):
            return {
                path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")
                if path.is_file() and ".build" not in path.parts and ".git" not in path.parts
            }

    def find(self, document, line, text):
        self.findings.append((document.name, line, text))

    def run(self):
        self.check_links()
        self.check_paths()
        if self.program:
            self.check_commands()
        self.check_words()
        self.check_metrics()
        return sorted(set(self.findings))

    # Links

    def check_links(self):
        linked = {ENTRY}
        for document in self.documents:
            for line, target in document.links():
                found = self.check_link(document, line, target)
                if found and found != document.name:
                    linked.add(found)
        for document in self.documents:
            if document.name.startswith("docs/") and document.name not in linked:
                self.find(document, 1, "no other document links this page")

    def check_link(self, document, line, target):
        """Returns the document that the link leads to."""
        if re.match(r"^[a-z][a-z0-9+.-]*:", target) or target.startswith("//"):
            return None
        path, _, anchor = target.partition("#")
        path, anchor = unquote(path), unquote(anchor)
        if path.startswith("/"):
            self.find(document, line, f"link {target}: write it relative to this file")
            return None
        place = (document.path.parent / path).resolve() if path else document.path
        try:
            name = place.relative_to(ROOT).as_posix()
        except ValueError:
            self.find(document, line, f"link {target}: leads out of the repository")
            return None
        if not place.exists():
            self.find(document, line, f"link {target}: {name} does not exist")
            return None
        if place.is_dir():
            name = f"{name}/README.md" if (place / "README.md").is_file() else name
        if not anchor:
            return name
        other = self.by_name.get(name)
        if other is None and place.suffix == ".md":
            other = Document(place)
        if other is not None and anchor not in other.anchors:
            near = ", ".join(f"#{a}" for a in sorted(other.anchors) if anchor[:6] in a or a[:6] in anchor)
            hint = f"; there is {near}" if near else ""
            self.find(document, line, f"link {target}: {name} has no heading #{anchor}{hint}")
        return name

    # Paths

    def check_paths(self):
        for document in self.documents:
            # A changelog also tells of files that are gone.
            if document.name == "CHANGELOG.md":
                continue
            for line, span in document.spans:
                words = span.split()
                for word in words:
                    if not self.has_path(word, document, len(words) == 1):
                        self.find(document, line + 1, f"`{word}`: no such file or folder in the repository")

    def has_path(self, word, document, is_alone):
        """False: it looks like a path of the repository, and there is none. `is_alone`: it is not part of a command."""
        word = word.rstrip(",;:").rstrip(".") if not word.endswith("..") else word
        if not re.fullmatch(r"[A-Za-z0-9_.+*{},/-]+", word) or word.startswith(("/", "-", ".build/")):
            return True
        options = expand(word)
        if "/" not in word:
            # A bare name must be a source file's: others may be the reader's own.
            if not is_alone or not word.endswith(SOURCE_SUFFIXES) or word.startswith((".", "*")):
                return True
            return all(any(matches(option, name) for name in self.names) for option in options)
        first = word.split("/", 1)[0]
        if first not in self.tops and first not in self.modules:
            return True
        return all(self.exists(option, document) for option in options) or self.is_ignored(word)

    def exists(self, path, document):
        path = path.rstrip("/")
        # `tally/WorkerPlan.swift` and `tally/WorkerPlan` lie in Sources or Tests.
        for base in ("", "Sources/", "Tests/", document.name.rpartition("/")[0] + "/"):
            for ending in ("", ".swift"):
                full = base + path + ending
                if full in self.files or (ROOT / full).exists():
                    return True
                if "*" in full and any(matches(full, name) for name in self.files):
                    return True
        return False

    def is_ignored(self, path):
        """What git is told to ignore is made by a script."""
        done = subprocess.run(
            ["git", "-C", str(ROOT), "check-ignore", "-q", path.rstrip("/")], capture_output=True, check=False)
        return done.returncode == 0

    # Commands

    def check_commands(self):
        commands = Commands(self.program)
        for document in self.documents:
            if document.name == "CHANGELOG.md":
                continue
            for line, words in shell_commands(document):
                for text in commands.problems(words):
                    self.find(document, line, text)

    # Words

    def check_words(self):
        glossary = self.by_name.get(GLOSSARY)
        if glossary is None:
            return
        synonyms = forbidden_words(glossary)
        if not synonyms:
            self.find(glossary, 1, "no table `| term | instead of |`")
        for document in self.documents:
            if not document.name.startswith("docs/"):
                continue
            for index, line in enumerate(document.text):
                if document is glossary and line.lstrip().startswith("|"):
                    continue
                line = re.sub(r"\]\([^)]*\)", "]", line)
                # A phrase may go over a line's end.
                following = document.text[index + 1] if index + 1 < len(document.text) else ""
                whole = f"{line} {following.strip()}"
                for word, term, pattern in synonyms:
                    match = pattern.search(whole)
                    if match and match.start() < len(line):
                        self.find(document, index + 1, f"\"{match[0]}\": the glossary's word is \"{term}\"")

    # Metrics

    def check_metrics(self):
        """The page of metrics has all names that the program serves, and no others."""
        page = self.by_name.get(METRICS_PAGE)
        source = ROOT / METRICS_SOURCE
        if page is None or not source.is_file():
            missing = METRICS_SOURCE if page else METRICS_PAGE
            self.find(page or self.documents[0], 1, f"{missing} is not there: metrics cannot be compared")
            return
        served = set(re.findall(r'"((?:tally|process)_[a-z0-9_]+)"', source.read_text(encoding="utf-8")))
        if not served:
            self.find(page, 1, f"{METRICS_SOURCE} has no name of a metric")
        told = {}
        for line, span in page.spans:
            name = re.match(r"(?:tally|process)_[a-z0-9_]+$", span)
            if name:
                told.setdefault(name[0], line + 1)
        for name in sorted(served - told.keys()):
            self.find(page, 1, f"`{name}` is served by {METRICS_SOURCE} and not on this page")
        for name, line in told.items():
            if name not in served:
                self.find(page, line, f"`{name}`: {METRICS_SOURCE} serves no such metric")


def forbidden_words(glossary):
    """Word, term and pattern of each synonym."""
    found = []
    reading = False
    for line in glossary.lines:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.lstrip().startswith("|"):
            reading = False
        elif [cell.lower() for cell in cells] == ["term", "instead of"]:
            reading = True
        elif reading and len(cells) == 2 and not re.fullmatch(r"[-: ]*", cells[0]):
            for word in cells[1].split(","):
                word = word.strip().strip("`")
                if word:
                    body = r"\s+".join(re.escape(part) for part in word.split())
                    found.append((word, cells[0].strip("`"), re.compile(rf"(?<![\w-]){body}(?:e?s)?(?![\w-])", re.I)))
    return found


def expand(word):
    """`{a,b}` as a list of paths."""
    match = re.search(r"\{([^{}]*)\}", word)
    if not match:
        return [word]
    return [
        result for part in match[1].split(",")
        for result in expand(word[:match.start()] + part + word[match.end():])
    ]


def matches(pattern, name):
    if "*" not in pattern:
        return pattern == name
    body = re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    return re.fullmatch(body, name) is not None


def shell_commands(document):
    """Line and words of every command that calls tally, in code blocks and code spans."""
    index = 0
    while index < len(document.lines):
        code = document.code[index]
        if code is None:
            index += 1
            continue
        start = index
        text = document.lines[index].strip()
        language, block = code
        index += 1
        if language == "console":
            if not text.startswith("$ "):
                continue
            text = text[2:]
        elif language == "" and text.startswith("$ "):
            text = text[2:]
        elif language not in SHELLS and language != "":
            continue
        while text.endswith("\\") and index < len(document.lines) and document.code[index] == code:
            text = text[:-1] + " " + document.lines[index].strip()
            index += 1
        for words in calls(text):
            yield start + 1, words
    for line, span in document.spans:
        if span.startswith(("tally ", ".build/debug/tally ", ".build/release/tally ")):
            for words in calls(span):
                yield line + 1, words


def calls(text):
    """The words behind `tally` of each call in a line of shell."""
    text = re.sub(r"<\(|\$\(|\)", " ; ", text)
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        words = text.split("#")[0].split()
    call = []
    found = []
    for word in words + [";"]:
        if word and set(word) <= set("|&;"):
            found.append(call)
            call = []
        else:
            call.append(word)
    for call in found:
        while call and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*=.*", call[0]):
            call = call[1:]
        for place, word in enumerate(call):
            if word == "tally" or word.endswith("/tally"):
                # In the place of a command, or behind one that runs it (`timeout 60 tally run`, `docker compose run tally run`).
                if place == 0 or call[0] in ("sudo", "exec", "timeout", "nohup", "time", "nice", "env", "source", "watch"):
                    yield call[place + 1:]
                break


class Commands:
    """What the program says of its subcommands."""

    def __init__(self, program):
        self.program = program
        self.known = {}

    def help(self, path):
        """Subcommands, the one that runs without a name, and flags of a command; None: there is no such command."""
        if path not in self.known:
            self.known[path] = self.ask(path)
        return self.known[path]

    def ask(self, path):
        try:
            done = subprocess.run(
                [self.program, *path, "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                timeout=HELP_SECONDS, check=False)
        except OSError as error:
            sys.exit(f"check-docs: {self.program}: {error.strerror}")
        except subprocess.TimeoutExpired:
            return None
        usage = re.search(r"^USAGE: (.*)$", done.stdout, re.M)
        if done.returncode != 0 or not usage or not usage[1].startswith(" ".join(["tally", *path])):
            return None
        subcommands = {}
        default = None
        section = None
        flags = set(re.findall(r"(?<![\w-])(--[a-z][a-z0-9-]*|-[A-Za-z])(?![\w-])", usage[1]))
        for line in done.stdout.splitlines():
            if re.fullmatch(r"[A-Z ]+:", line):
                section = line[:-1]
            elif (section or "").startswith(("OPTIONS", "ARGUMENTS")) and re.match(r"^  -", line):
                flags |= set(re.findall(r"(?<![\w-])(--[a-z][a-z0-9-]*|-[A-Za-z])(?![\w-])", re.split(r" {3,}", line.strip())[0]))
            elif section == "SUBCOMMANDS":
                name = re.match(r"^  ([a-z][a-z0-9-]*)( \(default\))?(\s|$)", line)
                if name:
                    subcommands[name[1]] = True
                    if name[2]:
                        default = name[1]
        return subcommands, default, flags

    def problems(self, words):
        """What is wrong with the words behind `tally`."""
        path = ()
        rest = list(words)
        while True:
            found = self.help(path)
            if found is None:
                return
            subcommands, default, flags = found
            if not rest or not subcommands:
                break
            word = rest[0]
            if word in subcommands:
                path += (word,)
                rest = rest[1:]
                continue
            if word.startswith("-") or default:
                if default:
                    flags = flags | self.help(path + (default,))[2]
                break
            # What is no name of a subcommand is prose, or stands for one.
            if not re.fullmatch(r"[a-z][a-z0-9-]*", word):
                return
            if self.help(path + (word,)) is None:
                yield f"`{' '.join(['tally', *path, word])}`: no such subcommand"
                return
            path += (word,)
            rest = rest[1:]
        name = " ".join(["tally", *path])
        for word in rest:
            if word == "--":
                return
            flag = re.match(r"^(--[a-z][a-z0-9-]*|-[A-Za-z])(?==|$)", word)
            if flag and flag[1] not in flags and flag[1] not in ("--help", "-h", "--version"):
                yield f"`{name}` has no {flag[1]}"


def main():
    if len(sys.argv) > 2 or any(word in ("-h", "--help") for word in sys.argv[1:]):
        print(__doc__)
        return 0 if len(sys.argv) == 2 else 2
    program = None
    if len(sys.argv) == 2:
        program = str(Path(sys.argv[1]).resolve())
        if not Path(program).is_file():
            print(f"check-docs: {sys.argv[1]}: no such program; build it first: swift build", file=sys.stderr)
            return 2
    checker = Checker(program)
    findings = checker.run()
    for name, line, text in findings:
        print(f"{name}:{line}: {text}")
    pages = len(checker.documents)
    if findings:
        print(f"check-docs: {len(findings)} findings in {pages} documents", file=sys.stderr)
        return 1
    without = "" if program else " (commands were not checked: no program was given)"
    print(f"check-docs: {pages} documents, nothing to complain of{without}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
