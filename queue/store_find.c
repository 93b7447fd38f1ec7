/* store_find.c - which files are the log
 *
 * The name of a segment says its number, and so does its first record. What
 * else lies there is not touched by guess: a file is removed only when it can
 * be nothing but a segment whose creation never ended, which is no longer than
 * a first record.
 */
#include "lib/descriptors.h"
#include "lib/die.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/salvage.h"
#include "queue/store_damage.h"
#include "queue/store_ends.h"
#include "queue/store_keys.h"
#include "queue/store_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

enum { ASIDE_NAME = 18 /* "damaged-", 8 digits, a NUL */ };

/* What was found. */
struct find {
	struct segment **list;
	size_t n, max;
	uint32_t highest;
};

static bool
exists(int dir, const char *name)
{
	int fd = fs_open(dir, name, O_RDONLY, 0);

	if (fd >= 0)
		fs_close(fd);
	return fd >= 0 || errno != ENOENT;
}

static void
aside_name(char aside[ASIDE_NAME], const char *name)
{
	memcpy(aside, "damaged-", 8);
	memcpy(aside + 8, name, SEGMENT_NAME);
}

static void
seen(struct find *f, uint32_t segno)
{
	if (segno > f->highest)
		f->highest = segno;
}

static void
found(struct find *f, struct segment *s)
{
	if (f->n == f->max) {
		f->max = f->max ? f->max * 2 : 16;
		f->list = reallocarray(f->list, f->max, sizeof *f->list);
		if (!f->list)
			die_nomem();
	}
	f->list[f->n++] = s;
	seen(f, s->segno);
}

/* Its number, unless it is a stray one at the end of all, is not given out
 * again. */
static void
keep_aside(struct store *st, struct find *f, uint32_t segno, const char *what)
{
	char name[SEGMENT_NAME], aside[ASIDE_NAME];

	store_alarm_segment(st, segno, what);
	if (segno < STORE_SEGNO_MAX)
		seen(f, segno);
	segment_name(name, segno);
	aside_name(aside, name);
	if (!st->is_readonly && !exists(st->seg_dir, aside))
		fs_rename(st->seg_dir, name, st->seg_dir, aside);
}

static void
open_failed(struct store *st, struct find *f, const char *name, uint32_t segno)
{
	if (errno == EPROTO)
		die_config("this segment was written by another version of "
			   "quail; run that one until the queue is empty",
			   name);
	if (!salvage_is_damage(errno))
		die_sys("opening a segment of the queue", name);
	seen(f, segno);
	store_alarm_segment(st, segno,
			    "its first record cannot be read; it is kept as it "
			    "is and its mail is not delivered");
}

/* No record of its own, and no longer than a first one. */
static void
drop_unborn(struct store *st, struct find *f, const char *name, uint32_t segno)
{
	if (store_ends_of(st, segno) > SEGMENT_FIRST) {
		store_alarm_segment(st, segno,
				    "it is empty, and mail was in it; restore "
				    "it from a copy if there is one");
		seen(f, segno);
		store_ends_drop(st, segno);
	}
	if (!st->is_readonly)
		fs_unlink(st->seg_dir, name);
}

static void
open_one(struct store *st, struct find *f, const char *name, uint32_t segno)
{
	struct segment_plan plan = {
	    .segno = segno, .salt = store_salt(st, segno), .file = name};
	struct segment *s = NULL;
	int r = segment_open(st->seg_dir, &plan, st->is_readonly, &s);

	if (r < 0)
		open_failed(st, f, name, segno);
	if (r == 1)
		drop_unborn(st, f, name, segno);
	if (r == 2)
		keep_aside(st, f, segno,
			   "nothing in it is a record of this queue's; it is "
			   "kept as damaged-NUMBER in queue/seg");
	if (!s)
		return;
	found(f, s);
	if (s->is_damaged)
		store_alarm_segment(st, segno,
				    "its first record is damaged; what is "
				    "after it is read all the same");
}

/* A whole segment of another number: it gets its own name back. */
static void
put_right(struct store *st, struct find *f, const char *name, uint32_t segno,
	  uint32_t says)
{
	char own[SEGMENT_NAME];

	segment_name(own, says);
	if (exists(st->seg_dir, own)) {
		keep_aside(st, f, segno,
			   "its records are those of another number, and that "
			   "segment is here too; it is kept as damaged-NUMBER "
			   "in queue/seg: if it is the one that was meant, "
			   "stop quail-queue and give it the name that its "
			   "first line says");
		return;
	}
	if (!st->is_readonly &&
	    (fs_rename(st->seg_dir, name, st->seg_dir, own) != 0 ||
	     fs_sync(st->seg_dir) != 0))
		die_sys("giving a segment of the queue its own name", own);
	log_open("segment-renamed");
	log_text("segment", own);
	log_text("was", name);
	log_close();
	open_one(st, f, st->is_readonly ? name : own, says);
}

/* A run that ended before it took anything leaves a segment; many such runs
 * must not leave many. */
static bool
drop_empty(struct store *st, struct segment *s)
{
	char name[SEGMENT_NAME];

	if (!s->is_empty || s->synced > SEGMENT_FIRST || st->is_readonly)
		return false;
	segment_name(name, s->segno);
	fs_unlink(st->seg_dir, name);
	segment_close(s);
	return true;
}

/* They are given back in their order: one that is not there, though an older
 * one is, or none that is younger, was taken away by other hands. */
static void
look_for(struct store *st, const struct find *f, uint32_t segno)
{
	char name[SEGMENT_NAME], aside[ASIDE_NAME];
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->list[i]->segno == segno)
			return;
	if (f->n > 0 && f->list[0]->segno > segno)
		return;
	segment_name(name, segno);
	aside_name(aside, name);
	if (!exists(st->seg_dir, aside))
		store_alarm_segment(st, segno,
				    "it is not there, and mail was in it; "
				    "restore it from a copy if there is one");
}

/* What each says of the one before it, and the file of ends of all. */
static void
learn_ends(struct store *st, struct find *f)
{
	struct segment **list = f->list;
	size_t i;

	for (i = 1; i < f->n; i++) {
		if (list[i]->after == list[i - 1]->segno)
			list[i - 1]->synced = list[i]->after_end;
		else if (list[i]->after > list[i - 1]->segno)
			look_for(st, f, list[i]->after);
	}
	for (i = 0; i < f->n; i++) {
		uint64_t end = store_ends_of(st, list[i]->segno);

		if (list[i]->synced < end)
			list[i]->synced = end;
	}
	for (i = 0; i < st->ends.n; i++) {
		look_for(st, f, st->ends.list[i].segno);
		seen(f, st->ends.list[i].segno);
	}
}

static int
by_number(const void *a, const void *b)
{
	const struct segment *const *x = a, *const *y = b;

	return (*x)->segno < (*y)->segno ? -1 : (*x)->segno > (*y)->segno;
}

static void
chain(struct store *st, struct segment **list, size_t n)
{
	struct segment **end = &st->oldest;
	size_t i;

	for (i = 0; i < n; i++) {
		if (drop_empty(st, list[i]))
			continue;
		*end = list[i];
		end = &list[i]->next;
		st->n_segments++;
	}
}

/* spare0 to spare9 */
static void
note_spare(struct store *st, const char *name)
{
	if (strncmp(name, "spare", 5) == 0 && name[5] >= '0' &&
	    name[5] <= '9' && name[6] == '\0')
		st->spares |= 1u << (name[5] - '0');
}

/* Each segment is a file that stays open. */
static size_t
n_names(struct slice names)
{
	size_t n = 0;

	for (; names.len > 0; n++)
		names = slice_from(names, strlen(names.at) + 1);
	return n;
}

static void
open_all(struct store *st, struct find *f, struct slice names)
{
	uint32_t segno, says;

	while (names.len > 0) {
		const char *name = names.at;

		names = slice_from(names, strlen(name) + 1);
		note_spare(st, name);
		if (segment_number(name, &segno) != 0)
			continue;
		if (segment_says(st->seg_dir, name, &says) == 0 &&
		    says != segno && says > 0)
			put_right(st, f, name, segno, says);
		else
			open_one(st, f, name, segno);
	}
}

uint32_t
store_load_find(struct store *st)
{
	struct buf names = {0};
	struct find f = {0};

	store_ends_read(st);
	if (fs_list(st->seg_dir, &names) != 0)
		die_sys("listing the queue's segments", NULL);
	descriptors_need(DESCRIPTORS_LEAST + n_names(buf_slice(&names)));
	open_all(st, &f, buf_slice(&names));
	buf_free(&names);
	if (f.n > 0)
		qsort(f.list, f.n, sizeof *f.list, by_number);
	learn_ends(st, &f);
	chain(st, f.list, f.n);
	free(f.list);
	return f.highest;
}
