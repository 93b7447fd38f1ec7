#include "cdb/wall.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/endpoint.h"
#include "lib/log.h"

#include <stdlib.h>
#include <time.h>

/* going in */

static void
look(const struct wall_place *p, dev_t *dev, ino_t *inode)
{
	struct stat st;

	if (stat(p->path, &st) != 0)
		memset(&st, 0, sizeof st);
	*dev = st.st_dev;
	*inode = st.st_ino;
}

static void
open_places(struct wall *w, const struct config *c)
{
	size_t i;

	wall_places(w, c);
	for (i = 0; i < w->n; i++) {
		struct wall_place *p = &w->places[i];

		if (w->make && p->may == SANDBOX_WRITE && !p->is_past)
			w->make(slice_text(p->path));
		look(p, &p->dev, &p->inode);
	}
}

static void
enter(struct wall *w)
{
	struct sandbox_path *paths = calloc(w->n, sizeof *paths);
	size_t i;

	if (!paths)
		die_nomem();
	for (i = 0; i < w->n; i++)
		paths[i] =
		    (struct sandbox_path){w->places[i].path, w->places[i].may};
	sandbox_files(&w->given, w->kind, paths, w->n);
	free(paths);
	sandbox_calls(&w->given, w->kind);
}

static void
say(const struct wall *w)
{
	const struct sandbox *s = &w->given;

	if (w->is_quiet)
		return;
	log_open("sandbox");
	log_number("landlock", s->landlock);
	log_text("seccomp", s->seccomp ? "yes" : "no");
	if (!sandbox_is_whole(s))
		log_text("why", sandbox_missing(s));
	log_close();
}

static void
say_off(const struct wall *w)
{
	if (w->is_quiet)
		return;
	log_open("sandbox");
	log_text("off", "by the table sandbox");
	log_close();
}

/* Those of all tables are looked through once for each configuration. */
static bool
is_new(struct wall *w, const struct config *c)
{
	bool is_same = c->dev == w->config_dev && c->inode == w->config_inode &&
		       c->mtime_ns == w->config_mtime_ns;

	w->config_dev = c->dev;
	w->config_inode = c->inode;
	w->config_mtime_ns = c->mtime_ns;
	return !is_same;
}

void
wall_up(struct wall *w, const struct config *c)
{
	enum wall_way way = wall_way(c);

	if (way == WALL_OFF) {
		say_off(w);
		return;
	}
	tzset(); /* reads a file, for gmtime_r too */
	log_prepare();
	ready_prepare();
	open_places(w, c);
	is_new(w, c);
	enter(w);
	w->is_up = true;
	w->up_ms = clock_ms();
	if (way == WALL_REQUIRE && !sandbox_is_whole(&w->given))
		die_config("the table sandbox says require, and a part of it "
			   "is missing here; write try, or see quail check "
			   "--sandbox",
			   sandbox_missing(&w->given));
	say(w);
}

/* staleness */

enum { CALM_MS = 60000 };

/* A mailbox is its user's: who moves it to and fro must not have all others
 * wait for a new start each time. */
static bool
may_wait(const struct wall *w, const struct wall_place *p)
{
	return w->kind == SANDBOX_MAILDIR && p->may == SANDBOX_WRITE &&
	       clock_ms() - w->up_ms < CALM_MS;
}

static const char *
changed(const struct wall *w)
{
	ino_t inode;
	dev_t dev;
	size_t i;

	for (i = 0; i < w->n; i++) {
		const struct wall_place *p = &w->places[i];

		if (!p->is_watched || may_wait(w, p))
			continue;
		look(p, &dev, &inode);
		if (dev != p->dev || inode != p->inode)
			return p->path;
	}
	return NULL;
}

static void
say_stale(struct wall *w, const char *path)
{
	w->is_stale = true;
	log_open("sandbox");
	log_text("stale", path);
	log_text("then", "an orderly end: whoever supervises this daemon "
			 "starts it again, with the right to this path");
	log_close();
}

static void
compare(struct wall *w, const struct config *c)
{
	struct wall now = {.kind = w->kind, .dir = w->dir, .spool = w->spool};
	size_t i;

	wall_places(&now, c);
	for (i = 0; i < now.n && !w->is_stale; i++)
		if (!wall_covers(w, &now.places[i]))
			say_stale(w, now.places[i].path);
	wall_free(&now);
}

bool
wall_is_stale(struct wall *w, const struct config *c)
{
	const char *path;

	if (!w->is_up || w->is_stale || w->given.landlock == 0)
		return w->is_stale;
	path = changed(w);
	if (path)
		say_stale(w, path);
	else if (is_new(w, c))
		compare(w, c);
	return w->is_stale;
}
