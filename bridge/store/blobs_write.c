/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies on their way out of memory: bytes gather until they are worth a write,
 * then they are the writer's until it is done with them. An upload ends with its
 * END job, in whose answer it is freed. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "store/blobs_priv.h"

enum { PIECE_BYTES = 256 * 1024 };

struct upload {
	struct keeper *keeper;
	struct blob_write *write; /* NULL: aborted */
	struct blob_file *file;        /* a reference; NULL: nothing was written yet */
	struct body *gathered;
	uint64_t handed;          /* bytes in jobs so far */
	bool ended;
};

static void write_begin(struct blobs *b, struct blob_write *w)
{
	struct upload *u = mem_zalloc(sizeof(*u));
	must(!w->upload);
	u->keeper = keeper_of(b);
	u->write = w;
	w->upload = u;
	w->waiting = 0;
}

static void job_add(struct upload *u, struct blob_job *j)
{
	j->upload = u;
	u->keeper->open++;
	blob_job_submit(u->keeper, j);
}

static void gathered_hand(struct upload *u)
{
	if (!u->gathered)
		return;
	if (!u->file)
		u->file = blob_file_new(u->keeper);
	struct blob_job *j = blob_job_new(BLOB_WRITE, blob_file_ref(u->file));
	j->bytes = u->gathered;
	j->at = u->handed;
	u->handed += body_bytes(j->bytes);
	u->write->waiting += body_bytes(j->bytes);
	u->keeper->waiting += body_bytes(j->bytes);
	u->gathered = NULL;
	job_add(u, j);
}

static bool write_add(struct blob_write *w, struct view bytes)
{
	struct upload *u = w->upload;
	if (!u->gathered)
		u->gathered = body_new(bytes.n);
	if (!u->gathered || !body_append(u->gathered, bytes))
		return false;
	if (body_bytes(u->gathered) >= PIECE_BYTES)
		gathered_hand(u);
	return true;
}

static void end_add(struct upload *u)
{
	if (!u->file)
		u->file = blob_file_new(u->keeper);
	struct blob_job *j = blob_job_new(BLOB_END, blob_file_ref(u->file));
	j->give_up = !u->write;
	u->ended = true;
	job_add(u, j);
}

static void write_end(struct blob_write *w)
{
	struct upload *u = w->upload;
	gathered_hand(u);
	end_add(u);
}

static void write_abort(struct blob_write *w)
{
	struct upload *u = w->upload;
	w->upload = NULL;
	u->write = NULL;
	body_unref(u->gathered);
	u->gathered = NULL;
	if (!u->file)
		free(u);
	else if (!u->ended)
		end_add(u);
}

const struct blobs_ops blobs_write_ops = {
	.begin = write_begin,
	.add = write_add,
	.end = write_end,
	.abort = write_abort,
};

/* ---- answers ---- */

static void written(struct keeper *k, struct upload *u, struct body *bytes)
{
	uint64_t n = body_bytes(bytes);
	struct blob_write *w = u->write;
	body_unref(bytes);
	k->waiting -= n;
	if (!w)
		return;
	w->waiting -= n;
	if (w->moved)
		w->moved(w);
}

static void ended(struct upload *u, bool failed)
{
	struct blob_write *w = u->write;
	struct blob_file *f = u->file;
	uint64_t bytes = u->handed;
	free(u);
	if (!w || failed)
		blob_file_unref(f);
	if (!w)
		return;
	w->upload = NULL;
	w->done(w, failed ? NULL : body_outside(&f->blob, bytes));
}

void upload_raise(struct keeper *k, struct blob_job *j)
{
	if (j->kind == BLOB_WRITE)
		written(k, j->upload, j->bytes);
	else
		ended(j->upload, j->failed);
}
