#include "qmtpd/roots.h"

#include "lib/die.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct roots_file {
	struct roots_file *next;
	struct buf name; /* with a NUL behind it */
	struct stat at;	 /* which file it was */
	struct tls_roots *all;
	size_t n_users; /* those who know it is here are one, too */
};

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void
roots_leave(struct roots_file *f)
{
	if (!f || --f->n_users > 0)
		return;
	tls_roots_close(f->all);
	buf_free(&f->name);
	free(f);
}

static struct roots_file **
place_of(struct roots *r, const char *file)
{
	struct roots_file **at = &r->first;

	while (*at && strcmp(buf_slice(&(*at)->name).at, file) != 0)
		at = &(*at)->next;
	return at;
}

static void
forget(struct roots_file **at)
{
	struct roots_file *old = *at;

	*at = old->next;
	roots_leave(old);
}

/* What was stat'ed first is never newer than what is read. */
static struct roots_file *
read_file(const char *file, const struct stat *st, struct buf *why)
{
	struct tls_roots *all = tls_roots_open(file, why);
	struct roots_file *new;

	if (!all)
		return NULL;
	new = calloc(1, sizeof *new);
	if (!new)
		die_nomem();
	new->all = all;
	new->at = *st;
	new->n_users = 1;
	buf_text(&new->name, file);
	buf_putc(&new->name, 0);
	return new;
}

struct roots_file *
roots_get(struct roots *r, const char *file, struct buf *why)
{
	struct roots_file **at = place_of(r, file);
	struct stat st;

	if (stat(file, &st) != 0) {
		buf_text(why, file);
		buf_text(why, ": ");
		buf_text(why, strerror(errno));
		return NULL;
	}
	if (*at && !is_same(&st, &(*at)->at)) {
		forget(at);
		at = place_of(r, file);
	}
	if (!*at)
		*at = read_file(file, &st, why);
	if (*at)
		(*at)->n_users++;
	return *at;
}

struct tls_roots *
roots_all(const struct roots_file *f)
{
	return f->all;
}

void
roots_close(struct roots *r)
{
	while (r->first)
		forget(&r->first);
}
