/* SPDX-License-Identifier: Apache-2.0 */
/* A run is a child process: what it allocates and what it costs is its own, and
 * a server that misbehaves ends only this run. The result lies in shared memory. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "bench/load_kinds_priv.h"

/* Beyond warm-up and measured time, for declaring, deleting, and slow answers. */
enum { RUN_MARGIN_S = 300, RUN_BACKLOG_S = 3600 };

struct load_part *load_part_begin(const struct load_options *o, struct load_result *out, const char *name)
{
	if (o->part && strcmp(o->part, name) != 0)
		return NULL;
	must(out->n < LOAD_PARTS_MAX);
	struct load_part *part = &out->parts[out->n++];
	part->name = name;
	return part;
}

static void measure(const struct load_options *o, struct load_result *out)
{
	static void (*const by_kind[])(const struct load_options *, struct load_result *) = {
		[LOAD_STREAM] = stream_measure,
		[LOAD_BACKLOG] = backlog_measure,
		[LOAD_IDLE] = idle_measure,
		[LOAD_REQUESTS] = requests_measure,
	};
	uint32_t limit_s = RUN_MARGIN_S + LOAD_PARTS_MAX * (o->warm_s + o->seconds);
	alarm(o->what->kind == LOAD_BACKLOG ? RUN_BACKLOG_S : limit_s);
	by_kind[o->what->kind](o, out);
}

static bool child_ended_well(pid_t child)
{
	int status;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	if (WIFSIGNALED(status))
		fprintf(stderr, "mqbridge bench: %s\n",
			WTERMSIG(status) == SIGALRM ? "the run took too long" : strsignal(WTERMSIG(status)));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool load_run(const struct load_options *o, struct load_result *out)
{
	memset(out, 0, sizeof(*out));
	struct load_result *shared =
		mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return false;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		measure(o, shared);
		_exit(0);
	}
	bool good = child > 0 && child_ended_well(child);
	if (good)
		*out = *shared;
	munmap(shared, sizeof(*shared));
	return good;
}
