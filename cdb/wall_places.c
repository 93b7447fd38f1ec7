/* wall_places.c - the part of wall.h that asks the tables */
#include "cdb/build.h"
#include "cdb/keys.h"
#include "cdb/map.h"
#include "cdb/wall.h"
#include "lib/die.h"
#include "lib/home.h"

#include <stdlib.h>

/* More mailboxes than these without a pattern: their directories instead. */
enum { ROOTS_MAX = 256 };

int
wall_way_parse(struct slice word, enum wall_way *way)
{
	static const char *const words[] = {
	    [WALL_TRY] = "try", [WALL_REQUIRE] = "require", [WALL_OFF] = "off"};
	size_t i;

	for (i = 0; i < sizeof words / sizeof *words; i++) {
		if (!slice_eq(word, slice_text(words[i])))
			continue;
		*way = (enum wall_way)i;
		return 0;
	}
	return -1;
}

enum wall_way
wall_way(const struct config *c)
{
	enum wall_way way = WALL_TRY;
	struct slice word;

	if (config_text(c, KEYS_SANDBOX, &word))
		wall_way_parse(word, &way);
	return way;
}

static char *
text_of(struct slice path)
{
	char *text = malloc(path.len + 1);

	if (!text)
		die_nomem();
	memcpy(text, path.at, path.len);
	text[path.len] = 0;
	return text;
}

/* Is it below, or the same? */
static bool
is_in(struct slice path, const char *place)
{
	struct slice s = slice_text(place);

	if (slice_eq(s, SLICE(".")))
		return path.at[0] != '/';
	return slice_starts(path, s) &&
	       (path.len == s.len || path.at[s.len] == '/' ||
		s.at[s.len - 1] == '/');
}

static bool
covers(const struct wall *w, struct slice path, enum sandbox_may may)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->places[i].may == may && is_in(path, w->places[i].path))
			return true;
	return false;
}

bool
wall_covers(const struct wall *w, const struct wall_place *p)
{
	return covers(w, slice_text(p->path), p->may);
}

bool
wall_reaches(const struct wall *w, struct slice path)
{
	return !w->is_up || w->given.landlock == 0 ||
	       covers(w, path, SANDBOX_WRITE);
}

static struct wall_place *
add(struct wall *w, struct slice path, enum sandbox_may may)
{
	struct wall_place *p;

	if (w->n == w->max) {
		w->max = w->max ? 2 * w->max : 16;
		w->places = realloc(w->places, w->max * sizeof *w->places);
		if (!w->places)
			die_nomem();
	}
	p = &w->places[w->n++];
	*p = (struct wall_place){.path = text_of(path), .may = may};
	return p;
}

static void
add_watched(struct wall *w, struct slice path, enum sandbox_may may)
{
	add(w, path, may)->is_watched = true;
}

void
wall_free(struct wall *w)
{
	while (w->n > 0)
		free(w->places[--w->n].path);
	free(w->places);
	w->places = NULL;
	w->max = 0;
}

static void
add_new(struct wall *w, struct slice path, enum sandbox_may may)
{
	if (!covers(w, path, may))
		add_watched(w, path, may);
}

/* The directory that a path is in; of one name alone, ours. */
static struct slice
above(struct slice path)
{
	size_t slash;

	while (path.len > 1 && path.at[path.len - 1] == '/')
		path.len--;
	slash = slice_find_last(path, '/');
	if (slash == path.len)
		return SLICE(".");
	return slash == 0 ? SLICE("/") : slice_of(path.at, slash);
}

/* mailboxes */

/* What is in front of the first name with something to be filled in. */
static struct slice
root_of(struct slice path)
{
	size_t percent = slice_find(path, '%');
	struct slice fixed = slice_of(path.at, percent);
	size_t slash = slice_find_last(fixed, '/');

	if (percent == path.len)
		return path;
	if (slash == fixed.len)
		return SLICE(".");
	return slash == 0 ? SLICE("/") : slice_of(path.at, slash);
}

/* Go up by a name in all, from place number first on. */
static bool
coarsen(struct wall *w, size_t first)
{
	struct wall old = *w;
	bool some = false;
	size_t i;

	w->places = NULL;
	w->n = w->max = 0;
	for (i = 0; i < first; i++)
		add(w, slice_text(old.places[i].path), old.places[i].may);
	for (i = first; i < old.n; i++) {
		struct slice path = slice_text(old.places[i].path);

		some = some || !slice_eq(above(path), path);
		add_new(w, above(path), old.places[i].may);
	}
	wall_free(&old);
	return some;
}

static void
add_mailboxes(struct wall *w, const struct config *c)
{
	const struct slice kind = SLICE("maildir:");
	struct slice value, source;
	struct map_record r;
	size_t first = w->n;
	uint32_t at = 0;

	while (map_each(c->map, &at, &r)) {
		if (!slice_starts(r.key, KEYS_TABLE(KEYS_USERS)))
			continue;
		keys_open(r.value, &value, &source);
		if (!slice_starts(value, kind))
			continue;
		add_new(w, root_of(slice_from(value, kind.len)), SANDBOX_WRITE);
		while (w->n - first > ROOTS_MAX && coarsen(w, first))
			;
	}
}

/* Mail that was routed by the tables before these may be on its way, and who
 * goes back to them wants no restart. */
static void
add_past_mailboxes(struct wall *w)
{
	struct config old;
	struct buf why = {0};
	size_t i = w->n;

	if (config_open(&old, BUILD_PREVIOUS, &why) == 0) {
		add_mailboxes(w, &old);
		config_close(&old);
	}
	for (; i < w->n; i++) {
		w->places[i].is_past = true;
		w->places[i].is_watched = false;
	}
	buf_free(&why);
}

/* the network's */

/* A directory of authorities, since its files are replaced by others; but not
 * one that holds much else. */
static void
add_authorities(struct wall *w, struct slice file)
{
	struct slice dir = above(file);

	if (file.at[0] != '/')
		return; /* in DIR */
	if (slice_find_last(dir, '/') == 0)
		dir = file;
	add_new(w, dir, SANDBOX_READ);
}

static void
add_policies(struct wall *w, const struct config *c)
{
	struct slice value, source, file;
	struct map_record r;
	uint32_t at = 0;

	while ((c->has & KEYS_HAS_TLS) && map_each(c->map, &at, &r)) {
		if (!slice_starts(r.key, KEYS_TABLE(KEYS_TLSPOLICY)))
			continue;
		keys_open(r.value, &value, &source);
		slice_word(&value);
		if (option_value(value, "ca", &file) && file.len > 0)
			add_authorities(w, file);
	}
}

static void
add_names(struct wall *w)
{
	add_watched(w, SLICE("/etc/hosts"), SANDBOX_READ);
	add(w, SLICE("/etc/resolv.conf"), SANDBOX_READ)->is_watched =
	    w->kind == SANDBOX_DRAIN; /* the others read it at their start */
	add(w, SLICE("/etc/nsswitch.conf"), SANDBOX_READ);
	add(w, SLICE("/etc/host.conf"), SANDBOX_READ);
	add(w, SLICE("/etc/gai.conf"), SANDBOX_READ);
	add(w, SLICE("/dev/urandom"), SANDBOX_READ); /* c-ares's ids */
}

/* Where a large package lies while it is taken: see qmqpc/package.c. */
static void
add_scratch(struct wall *w)
{
	const char *dir = secure_getenv("TMPDIR");

	if (dir && *dir)
		add(w, slice_text(dir), SANDBOX_SCRATCH);
	add(w, SLICE("/tmp"), SANDBOX_SCRATCH);
}

void
wall_places(struct wall *w, const struct config *c)
{
	add(w, slice_text(w->dir ? w->dir : "."), SANDBOX_READ);
	if (w->kind == SANDBOX_OUT || w->kind == SANDBOX_DRAIN)
		add_names(w);
	if (w->kind == SANDBOX_OUT)
		add_policies(w, c);
	if (w->kind == SANDBOX_QUEUE)
		add(w, SLICE(HOME_QUEUE), SANDBOX_WRITE);
	if (w->kind == SANDBOX_MAILDIR) {
		add_mailboxes(w, c);
		add_past_mailboxes(w);
	}
	if (w->kind == SANDBOX_LEAFDOOR || w->kind == SANDBOX_DRAIN)
		add_scratch(w);
	if (w->spool)
		add_watched(w, slice_text(w->spool), SANDBOX_WRITE);
}
