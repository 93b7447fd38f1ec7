/* wall.h - the sandbox of a daemon, as the tables want it
 *
 * Between lib/sandbox.h and the tables: which files a daemon of a kind needs,
 * what the table sandbox says (require, try, off), what is logged.
 *
 *   kind      reads                          writes
 *   all       DIR: config.cdb, tls/
 *   OUT       files of /etc for names; ca=
 *             of tlspolicy
 *   QUEUE                                    DIR/queue
 *   MAILDIR                                  where the mailboxes of users are
 *   LEAFDOOR                                 the spool
 *   DRAIN     files of /etc for names        the spool
 *
 * config.cdb is replaced by rename, and a right of landlock stays with the
 * file that it was given for: so it is given for all that is in DIR, to read
 * (not to list). What else is in there is kept from others by its mode.
 *
 * Test  tests/wall_test.c, tests/sandbox.t
 */
#ifndef QUAIL_CDB_WALL_H
#define QUAIL_CDB_WALL_H

#include "cdb/config.h"
#include "lib/sandbox.h"

enum wall_way { WALL_TRY, WALL_REQUIRE, WALL_OFF };

/* A path that a right has been given for, and what was there. */
struct wall_place {
	char *path;
	enum sandbox_may may;
	bool is_watched; /* another one there is of no use without a restart */
	bool is_past;	 /* only the configuration before has it */
	dev_t dev;	 /* both 0: nothing was there */
	ino_t inode;
};

/* All zero before its first use, but for what the caller sets. */
struct wall {
	enum sandbox_kind kind; /* the caller's */
	const char *dir;	/* the caller's: DIR; NULL: where we are */
	const char *spool;	/* the caller's; NULL: none */
	bool is_quiet;		/* the caller's: log nothing */
	/* the caller's, or NULL: make the directory for mailboxes */
	void (*make)(struct slice path);
	struct wall_place *places;
	size_t n, max;
	bool is_up, is_stale; /* is_stale: it has been said */
	int64_t up_ms;	      /* since when */
	dev_t config_dev;     /* the one that places are of */
	ino_t config_inode;
	int64_t config_mtime_ns;
	struct sandbox given;
};

/* wall_way - what the table sandbox says; WALL_TRY where it says nothing */
enum wall_way
wall_way(const struct config *c);

/* wall_way_parse - require, try or off
 *
 * Returns  0 and *way; -1 for any other word.
 */
int
wall_way_parse(struct slice word, enum wall_way *way);

/* wall_up - give up what this daemon does not need; log what the kernel gave
 *
 * Call it when all is open and no thread is there, before the first byte of a
 * stranger.
 * Dies with exit code 100 where a part is missing that the tables require.
 */
void
wall_up(struct wall *w, const struct config *c);

/* wall_places - w->places, as wall_up asks for them */
void
wall_places(struct wall *w, const struct config *c);

/* wall_covers - has this path, or one that it is below, the same right? */
bool
wall_covers(const struct wall *w, const struct wall_place *p);

/* wall_reaches - may this daemon write below path?
 *
 * Takes    a path as the tables have it.
 */
bool
wall_reaches(const struct wall *w, struct slice path);

/* wall_is_stale - must this daemon start again to see its files?
 *
 * A path leads to another file now, or a new configuration names one more.
 * Call it each second, and end in order when it says so; it is logged.
 */
bool
wall_is_stale(struct wall *w, const struct config *c);

void
wall_free(struct wall *w);

#endif
