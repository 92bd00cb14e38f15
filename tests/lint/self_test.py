# SPDX-License-Identifier: Apache-2.0
"""Each row is one file of a made-up repository and the findings it must give,
as "line rule"; a good file gives none. So every rule is shown to fail, and
shown not to fail beside what it is about."""
import os
import tempfile

from lint import EXCEPTIONS, Lint

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
MARK = "TO" "DO"
PLACE = "/wo" "rk/x"


def function(lines, parameters="void"):
    return "int f(%s)\n{\n%s}\n" % (parameters, "\tg();\n" * (lines - 3))


def include(header):
    return SPDX + "#include %s\n" % header


MANY = "int a, int b, struct c (*d)(int, int), int e, int f, int g"

ROWS = (
    # the room table
    ("bridge/base/a.c", include('"base/buf.h"'), []),
    ("bridge/base/b.c", include('"mapping/names.h"'), ["2 include"]),
    ("mapping/a.c", include('"base/buf.h"'), []),
    ("mapping/b.c", include('"engine/engine.h"'), ["2 include"]),
    ("bridge/net/a.c", include('"base/wire.h"'), []),
    ("bridge/net/b.c", include('"access/access.h"'), ["2 include"]),
    ("bridge/store/a.c", include('"base/message.h"'), []),
    ("bridge/store/b.c", include('"mapping/names.h"'), ["2 include"]),
    ("bridge/store/store_aws.c", include('"mapping/names.h"'), []),
    ("bridge/access/a.c", include('"store/store.h"'), []),
    ("bridge/access/b.c", include('"engine/engine.h"'), ["2 include"]),
    ("bridge/access/c.c", include('"store/store_sqlite.h"'), ["2 include"]),
    ("bridge/engine/a.c", include('"store/store.h"'), []),
    ("bridge/engine/b.c", include('"store/store_memory.h"'), ["2 include"]),
    ("bridge/engine/c.c", include('"net/loop.h"'), ["2 include"]),
    ("bridge/engine/d.c", include('"engine/engine_priv.h"'), []),
    ("amqp/a.c", include('"engine/engine.h"') + '#include "net/loop.h"\n', []),
    ("amqp/b.c", include('"engine/engine_priv.h"'), ["2 include"]),
    ("amqp/c.c", include('"engine/journal.h"'), ["2 include"]),
    ("amqp/d.c", include('"store/store.h"'), ["2 include"]),
    ("amqp/e.c", include('"stomp/stomp.h"'), ["2 include"]),
    ("stomp/a.c", include('"amqp/v091.h"'), ["2 include"]),
    ("bridge/aws/a.c", include('"admin/admin.h"'), ["2 include"]),
    ("bridge/aws/b.c", include('"bridge/amqp/v091.h"'), ["2 include"]),
    ("bridge/admin/a.c", include('"aws/aws.h"'), ["2 include"]),
    ("bridge/daemon/a.c", include('"store/store_sqlite.h"'), []),
    ("bridge/daemon/b.c", include('"store/store_sqlite_priv.h"'), ["2 include"]),
    ("bridge/main.c", include('"cli/cli.h"'), []),
    ("bridge/cli/a.c", include('"elsewhere/x.h"'), ["2 include"]),
    ("bridge/cli/b.c", SPDX + '/*\n#include "elsewhere/x.h"\n*/\n', []),
    ("tests/unit/engine/test_a.c", include('"engine/engine_priv.h"'), []),
    # the fences
    ("bridge/net/c.c", include("<uv.h>"), []),
    ("bridge/store/store_sqlite_run.c", include("<uv.h>") + "#include <sqlite3.h>\n", []),
    ("bridge/store/store_memory.c", include("<uv.h>"), ["2 vendor"]),
    ("bridge/engine/e.c", include("<sqlite3.h>"), ["2 vendor"]),
    ("amqp/v091_codec.c", include("<amqp_framing.h>"), []),
    ("amqp/v10_link.c", include("<proton/link.h>") + "#include <amqp.h>\n", ["3 vendor"]),
    ("amqp/v091_x.c", include("<proton/link.h>"), ["2 vendor"]),
    ("bridge/cli/http_client.c", include("<curl/curl.h>"), []),
    ("bridge/cli/c.c", include("<curl/curl.h>"), ["2 vendor"]),
    ("bridge/base/crypto.c", include("<openssl/evp.h>"), []),
    ("bridge/base/c.c", include("<openssl/evp.h>"), ["2 vendor"]),
    ("bridge/net/http_parse.c", include("<http_parser.h>"), []),
    ("bridge/net/d.c", include("<http_parser.h>"), ["2 vendor"]),
    ("bridge/access/d.c", include("<pcre2.h>"), []),
    ("mapping/c.c", include("<pcre2.h>"), ["2 vendor"]),
    ("mapping/d.c", include("<jansson.h>"), []),
    ("bridge/engine/f.c", include("<jansson.h>"), ["2 vendor"]),
    ("bridge/engine/g.c", include("<cmocka.h>"), ["2 vendor"]),
    ("tests/unit/store/test_b.c", include("<sqlite3.h>") + "#include <cmocka.h>\n", []),
    ("bridge/net/loop_priv.h", include("<uv.h>") + "uv_loop_t *loop;\n", []),
    ("bridge/net/loop.h", include("<uv.h>"), ["2 vendor"]),
    ("bridge/net/http.h", SPDX + "/* no uv_loop_t */\nstruct x { uv_loop_t *l; };\n", ["3 vendor"]),
    ("bridge/base/d.c", include("<zlib.h>"), ["2 vendor"]),
    ("bridge/base/e.c", include("<sys/uio.h>") + "#include <string.h>\n", []),
    # sizes
    ("bridge/base/f.c", SPDX + "\n" * 799, []),
    ("bridge/base/g.c", SPDX + "\n" * 800, ["801 file-lines"]),
    ("bridge/base/excepted.c", SPDX + "\n" * 800, []),
    ("bridge/base/h.c", SPDX + function(80), []),
    ("bridge/base/i.c", SPDX + "int v[] = {1, 2};\n\n" + function(81), ["4 function-lines"]),
    ("bridge/base/j.c", SPDX + "struct s {\n\tint a;\n};\n#define M(x) { \\\n\t{\n" + function(81),
     ["7 function-lines"]),
    ("bridge/base/excepted_function.c", SPDX + function(81), []),
    ("bridge/base/k.c", SPDX + function(5, MANY), []),
    ("bridge/base/l.c", SPDX + function(5, MANY + ",\n\tint h"), ["2 parameters"]),
    ("bridge/base/m.c", SPDX + "__attribute__((noinline))\n" + function(5, MANY + ", int h"),
     ["2 parameters"]),
    ("bridge/base/n.c", SPDX + "#ifdef A\nint f(void) {\n#else\nint g(void) {\n#endif\n}\n",
     ["7 function-lines"]),
    ("tests/a.py", "# SPDX-License-Identifier: Apache-2.0\ndef f(a, b, c, d, e, f, g):\n    pass\n",
     ["2 parameters"]),
    ("tests/b.py", "# SPDX-License-Identifier: Apache-2.0\ndef f():\n" + "    g()\n" * 80,
     ["2 function-lines"]),
    # functions
    ("bridge/base/o.c", SPDX + "int x = atoi(s);\nint y = strcpy (a, b);\n",
     ["2 banned", "3 banned"]),
    ("bridge/base/p.c", SPDX + "/* sprintf( */ char *s = \"gets(\"; int z = o->time(1);\n"
     "size_t n = my_rand() + a.rand();\n", []),
    ("bridge/base/q.c", SPDX + "int x = clock_gettime(0, &t) + time(NULL);\n",
     ["2 banned", "2 banned"]),
    ("bridge/base/clock.c", SPDX + "int x = clock_gettime(0, &t);\n", []),
    ("tests/unit/base/test_c.c", SPDX + "int x = gettimeofday(&t, NULL);\n", ["2 banned"]),
    # licence
    ("bridge/base/r.c", "int x;\n", ["1 spdx"]),
    ("bridge/base/r.h", "\n\n\n" + SPDX, ["1 spdx"]),
    ("quickstart.sh", "#!/bin/sh\ntrue\n", ["1 spdx"]),
    ("test.sh", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\ntrue\n", []),
    # words
    ("README.md", "first\n%s: finish\n" % MARK, ["2 word"]),
    ("docs/a.md", "mastodon, %sS, frame%s\n" % (MARK, PLACE[1:]), []),
    ("docs/b.md", "\n\nsee %s and (%s)\n" % (PLACE, PLACE), ["3 word", "3 word"]),
    ("docs/c.bin", "\0%s" % MARK, []),
    # exceptions
    (EXCEPTIONS,
     "# why\n"
     "file-lines bridge/base/excepted.c a table\n"
     "function-lines bridge/base/excepted_function.c:f one switch\n"
     "parameters bridge/base/h.c:f not needed\n"
     "file-lines bridge/base/gone.c it is gone\n"
     "file-lines bridge/base/g.c\n"
     "words bridge/base/g.c no such rule\n",
     ["4 exceptions", "5 exceptions", "6 exceptions", "7 exceptions"]),
)


def run():
    wrong = 0
    with tempfile.TemporaryDirectory() as root:
        for path, text, _ in ROWS:
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as f:
                f.write(text)
        got = {}
        for path, line, rule, _ in Lint(root).run():
            got.setdefault(path, []).append(f"{line} {rule}")
        for path, _, want in ROWS:
            if sorted(got.pop(path, [])) != sorted(want):
                again = [f"{l} {r}: {t}" for p, l, r, t in Lint(root).run() if p == path]
                print(f"{path}: want {want}, got {again}")
                wrong += 1
        for path, findings in got.items():
            print(f"{path}: unexpected {findings}")
            wrong += 1
    print(f"{len(ROWS)} rows, {wrong} wrong")
    return 1 if wrong else 0
