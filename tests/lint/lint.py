#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the repository's own rules, which no compiler knows:

  include         the room table: who may include whose headers
  vendor          the fences around third-party headers, none of it in a door header
  file-lines, function-lines, parameters
                  sizes; tests/lint/exceptions.txt lists what may pass, with its reason
  banned          functions that are not used here, clocks outside bridge/base/clock.c
  spdx            every source file names its licence
  word            machine paths and unfinished-work marks

usage: lint.py [ROOT]       one line a finding: file:line: [rule] what, and what to do
       lint.py --self-test  proves that every rule can fail
"""
import ast
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 80
PARAMETERS_MAX = 6
EXCEPTIONS = "tests/lint/exceptions.txt"

# --- the room table ---------------------------------------------------------

# Longest prefix first; what lies in none of them is free to include anything.
ROOM_OF = (
    ("bridge/base/", "base"),
    ("bridge/net/", "net"),
    ("bridge/store/", "store"),
    ("bridge/access/", "access"),
    ("bridge/engine/", "engine"),
    ("bridge/aws/", "aws"),
    ("bridge/admin/", "admin"),
    ("bridge/bench/", "bench"),
    ("bridge/daemon/", "daemon"),
    ("bridge/cli/", "cli"),
    ("bridge/", "main"),
    ("mapping/", "mapping"),
    ("amqp/", "amqp"),
    ("stomp/", "stomp"),
)
HEAD_MAY = {"base", "mapping", "access", "net", "engine"}
ROOMS = {room for _, room in ROOM_OF}
MAY_INCLUDE = {
    "base": set(),
    "mapping": {"base"},
    "net": {"base"},
    "store": {"base"},
    "access": {"base", "store"},
    "engine": {"base", "mapping", "store"},
    "amqp": HEAD_MAY,
    "stomp": HEAD_MAY,
    "aws": HEAD_MAY,
    "admin": HEAD_MAY,
    "bench": {"base", "net", "aws"},
    "daemon": ROOMS,
    "cli": ROOMS,
    "main": ROOMS,
}
# Rooms of which others see these headers only (those who start things see all).
DOORS = {
    "store": {"store/store.h", "store/catalog.h"},
    "engine": {"engine/engine.h"},
}
SEES_ALL = {"daemon", "cli", "main"}

# --- third-party headers ----------------------------------------------------

# header → where it may be included; tests are free but for the last one.
JSON_ROOMS = r"mapping/|bridge/(aws|admin|cli|daemon|access)/"
FENCES = (
    (r"uv\.h$", r"bridge/(net|daemon)/|bridge/store/store_sqlite"),
    (r"amqp(_\w+)?\.h$|rabbitmq-c/", r"amqp/v091_"),
    (r"proton/", r"amqp/v10_"),
    (r"sqlite3(ext)?\.h$", r"bridge/store/store_sqlite"),
    (r"curl/", r"bridge/net/http_client|bridge/cli/\w*http"),
    (r"openssl/", r"bridge/base/crypto(_sign)?\.c$|bridge/net/tls"),
    (r"http_parser\.h$", r"bridge/net/http"),
    (r"pcre2\.h$", r"bridge/access/"),
    (r"jansson\.h$", JSON_ROOMS),
    (r"cmocka\.h$", r"tests/"),
)
SYSTEM_FOLDERS = ("sys/", "netinet/", "arpa/", "net/", "linux/", "sanitizer/")
SYSTEM_HEADERS = set(
    """assert byteswap ctype dirent dlfcn endian errno fcntl fenv float ftw getopt glob grp ifaddrs
    inttypes libgen limits locale malloc math netdb poll pthread pwd regex sched search
    semaphore setjmp signal spawn stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib
    stdnoreturn string strings syslog termios threads time unistd wchar wctype""".split()
)
VENDOR_TYPES = re.compile(
    r"\b(uv_\w+_t|sqlite3\w*|json_t|CURLM?|EVP_\w+|SSL(_\w+)?|amqp_\w+_t|pn_\w+_t"
    r"|http_parser(_settings)?|pcre2_\w+)\b"
)

# --- words and functions ----------------------------------------------------

INSTEAD = {
    "strcpy": "memcpy or buf_add",
    "strcat": "buf_add_str",
    "sprintf": "snprintf or buf_printf",
    "vsprintf": "vsnprintf",
    "gets": "fgets",
    "strtok": "view_skip and memchr",
    "atoi": "strtol with checks",
    "atol": "strtol with checks",
    "atoll": "strtoll with checks",
    "rand": "base/rng.h",
    "srand": "base/rng.h",
}
CLOCKS = ("clock_gettime", "gettimeofday", "time", "clock", "timespec_get", "ftime",
          "uv_now", "uv_hrtime", "uv_clock_gettime", "uv_gettimeofday")
CLOCK_FILE = "bridge/base/clock.c"
# Not preceded by a name character or a member access.
CALLS = re.compile(r"(?<![\w.])(?<!->)(%s)\s*\(" % "|".join((*INSTEAD, *CLOCKS)))

# Put together here so that this file passes its own check.
MARKS = "|".join(("TO" "DO", "FIX" "ME"))
PLACES = "|".join(("/wo" "rk/", "/ro" "ot/", r"\.\./sha" "red"))
WORDS = re.compile(r"\b(?:%s)\b|(?<![\w.])(?:%s)" % (MARKS, PLACES))

SOURCE = (".c", ".h", ".py", ".sh")
COMMENTS = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S
)
DIRECTIVES = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
INCLUDES = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"\n]+)[>\"]", re.M)


class Function:
    def __init__(self, name, first, last, parameters):
        self.name, self.first, self.last, self.parameters = name, first, last, parameters


class Lint:
    def __init__(self, root):
        self.root = root
        self.findings = []
        self.exceptions = {}  # (rule, subject) → [line, used]

    def add(self, path, line, rule, text):
        self.findings.append((path, line, rule, text))

    def read(self, path):
        with open(os.path.join(self.root, path), "rb") as f:
            data = f.read()
        return None if b"\0" in data else data.decode("utf-8", "replace")

    def files(self):
        """Every file of the repository, also those not added yet."""
        try:
            out = subprocess.run(
                ["git", "-C", self.root, "ls-files", "-z", "-co", "--exclude-standard"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
            names = set(out.decode().split("\0")) - {""}
        except (OSError, subprocess.CalledProcessError):
            names = walk(self.root)
        return sorted(n for n in names if os.path.isfile(os.path.join(self.root, n)))

    def run(self):
        self.exceptions_read()
        for path in self.files():
            text = self.read(path)
            if text is None:
                continue
            self.check_words(path, text)
            if path.endswith(SOURCE):
                self.check_source(path, text)
        for (rule, subject), (line, used) in self.exceptions.items():
            if not used:
                self.add(EXCEPTIONS, line, "exceptions",
                         f"{rule} {subject} is not needed any more: remove the line")
        self.findings.sort()
        return self.findings

    # --- exceptions ---

    def exceptions_read(self):
        if not os.path.isfile(os.path.join(self.root, EXCEPTIONS)):
            return
        for number, line in enumerate(self.read(EXCEPTIONS).split("\n"), 1):
            if not line.strip() or line.startswith("#"):
                continue
            part = line.split(None, 2)
            if len(part) < 3 or part[0] not in ("file-lines", "function-lines", "parameters"):
                self.add(EXCEPTIONS, number, "exceptions",
                         "a line is: file-lines|function-lines|parameters, "
                         "path or path:function, reason")
                continue
            self.exceptions[part[0], part[1]] = [number, False]

    def excepted(self, rule, subject):
        entry = self.exceptions.get((rule, subject))
        if entry:
            entry[1] = True
        return entry is not None

    # --- checks ---

    def check_words(self, path, text):
        for m in WORDS.finditer(text):
            self.add(path, line_of(text, m.start()), "word",
                     f"\"{m.group()}\" has no place in the repository: "
                     "finish it, or take the path from a setting")

    def check_source(self, path, text):
        if "SPDX-License-Identifier: Apache-2.0" not in "".join(text.split("\n")[:3]):
            self.add(path, 1, "spdx", "put \"SPDX-License-Identifier: Apache-2.0\" "
                     "in a comment on top")
        lines = text.count("\n")
        if lines > FILE_LINES_MAX and not self.excepted("file-lines", path):
            self.add(path, lines, "file-lines",
                     f"{lines} lines, at most {FILE_LINES_MAX}: split it by noun")
        if path.endswith(".py"):
            self.check_functions(path, python_functions(text))
        elif not path.endswith(".sh"):
            self.check_includes(path, strip(text, keep_strings=True))
            code = strip(text)
            self.check_calls(path, code)
            if path.endswith(".h"):
                self.check_vendor_types(path, code)
            functions, balanced = c_functions(code)
            self.check_functions(path, functions)
            if not balanced:
                self.add(path, lines, "function-lines", "braces do not balance for this "
                         "lint: put no brace inside #if … #else")

    def check_functions(self, path, functions):
        for f in functions:
            subject = f"{path}:{f.name}"
            lines = f.last - f.first + 1
            if lines > FUNCTION_LINES_MAX and not self.excepted("function-lines", subject):
                self.add(path, f.first, "function-lines", f"{f.name} has {lines} lines, "
                         f"at most {FUNCTION_LINES_MAX}: give its parts names, or use a table")
            if f.parameters > PARAMETERS_MAX and not self.excepted("parameters", subject):
                self.add(path, f.first, "parameters", f"{f.name} has {f.parameters} "
                         f"parameters, at most {PARAMETERS_MAX}: hand over a struct")

    def check_calls(self, path, code):
        for m in CALLS.finditer(code):
            name = m.group(1)
            line = line_of(code, m.start())
            if name in INSTEAD:
                self.add(path, line, "banned", f"{name}(): use {INSTEAD[name]}")
            elif path != CLOCK_FILE:
                self.add(path, line, "banned", f"{name}(): time is handed in as struct now "
                         "(base/clock.h); only clock.c reads clocks")

    def check_includes(self, path, text):
        for m in INCLUDES.finditer(text):
            line = line_of(text, m.start(2))
            if m.group(1) == "<":
                self.check_vendor(path, line, m.group(2))
            elif not path.startswith("tests/"):
                self.check_room(path, line, m.group(2))

    def check_room(self, path, line, header):
        me = room_of(path)
        if me is None or "/" not in header:
            return
        header = header[len("bridge/"):] if header.startswith("bridge/") else header
        other = header.split("/")[0]
        if other == me:
            return
        if other not in ROOMS:
            self.add(path, line, "include", f"\"{header}\" is in no room of the product")
        elif other not in MAY_INCLUDE[me] and not is_remote_store(path, other):
            allowed = ", ".join(sorted(MAY_INCLUDE[me])) or "nothing else"
            self.add(path, line, "include", f"{me} may not include {other} (only {allowed}): "
                     "go through a door it may see, or move the code")
        elif header.endswith("_priv.h"):
            self.add(path, line, "include", f"\"{header}\" is private to {other}: "
                     "use its door header")
        elif me not in SEES_ALL and header not in DOORS.get(other, {header}):
            doors = ", ".join(sorted(DOORS[other]))
            self.add(path, line, "include", f"\"{header}\" is no door of {other} ({doors})")

    def check_vendor(self, path, line, header):
        for pattern, where in FENCES:
            if not re.match(pattern, header):
                continue
            if path.startswith("tests/"):
                return
            if not re.match(where, path):
                self.add(path, line, "vendor", f"<{header}> stays behind its fence "
                         f"({where}): ask that room for what you need")
            elif path.endswith(".h") and not path.endswith("_priv.h"):
                self.add(path, line, "vendor", f"<{header}> in a header that others see: "
                         "only a *_priv.h or a .c may include it")
            return
        if not header.startswith(SYSTEM_FOLDERS) and header[:-2] not in SYSTEM_HEADERS:
            self.add(path, line, "vendor", f"<{header}> is unknown: add it to FENCES "
                     "(third party) or SYSTEM_HEADERS (libc) of tests/lint/lint.py")

    def check_vendor_types(self, path, code):
        if path.endswith("_priv.h") or path.startswith("tests/"):
            return
        for m in VENDOR_TYPES.finditer(code):
            self.add(path, line_of(code, m.start()), "vendor",
                     f"{m.group()} in a header that others see: hide it behind a struct of ours")


# --- reading ----------------------------------------------------------------

def walk(root):
    """The fallback where there is no git: a source tree from an archive."""
    names = set()
    for folder, folders, files in os.walk(root):
        folders[:] = [d for d in folders
                      if d not in ("build", "data", "node_modules", "__pycache__")
                      and (d == ".ci" or not d.startswith("."))]
        names.update(os.path.relpath(os.path.join(folder, f), root) for f in files)
    return names


def room_of(path):
    return next((room for prefix, room in ROOM_OF if path.startswith(prefix)), None)


def is_remote_store(path, other):
    return path.startswith("bridge/store/store_aws") and other == "mapping"


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def strip(text, keep_strings=False):
    """Comments become blank, strings empty; lines keep their numbers."""
    def blank(m):
        s = m.group()
        if s[0] in "\"'":
            return s if keep_strings else s[0] + s[0]
        return " " + "\n" * s.count("\n")
    return COMMENTS.sub(blank, text)


def declarator(header):
    """(name, parameters) when the text before a { is a function's head."""
    header = header.rstrip()
    while header.endswith(")"):
        depth, at = 0, len(header)
        while at > 0:
            at -= 1
            depth += (header[at] == ")") - (header[at] == "(")
            if depth == 0:
                break
        name = re.search(r"(\w+)\s*$", header[:at])
        if name is None or "=" in header[:at]:
            return None
        if name.group(1) == "__attribute__":
            header = header[:name.start()].rstrip()
            continue
        return name.group(1), parameter_count(header[at + 1:-1])
    return None


def parameter_count(text):
    depth, n = 0, 1
    for c in text:
        depth += (c in "([{") - (c in ")]}")
        n += c == "," and depth == 0
    return 0 if text.strip() in ("", "void") else n


def c_functions(code):
    """Functions of stripped C, and whether the braces balance."""
    code = DIRECTIVES.sub(lambda m: "\n" * m.group().count("\n"), code)
    found, depth, start, current = [], 0, 0, None
    for m in re.finditer(r"[{};]", code):
        c = m.group()
        if c == "{":
            if depth == 0:
                head = code[start:m.start()]
                what = declarator(head)
                if what:
                    first = line_of(code, start + len(head) - len(head.lstrip()))
                    current = (what, first)
            depth += 1
        elif c == "}":
            depth -= 1
            if depth == 0 and current:
                (name, parameters), first = current
                found.append(Function(name, first, line_of(code, m.start()), parameters))
                current = None
        if depth <= 0:
            start = m.end()
    return found, depth == 0


def python_functions(text):
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            a = node.args
            names = [x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
            n = len(names) - (names[:1] == ["self"])
            found.append(Function(node.name, node.lineno, node.end_lineno, n))
    return found


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    if sys.argv[1:] == ["--self-test"]:
        sys.path.insert(0, here)
        import self_test
        return self_test.run()
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(here))
    findings = Lint(root).run()
    for path, line, rule, text in findings:
        print(f"{path}:{line}: [{rule}] {text}")
    if findings:
        print(f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
