#include "queue/diff_cmd.h"

#include "cdb/build.h"
#include "cdb/keys.h"
#include "cdb/map.h"
#include "lib/home.h"
#include "queue/command.h"
#include "queue/compile.h"
#include "queue/decision.h"
#include "queue/say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NEW_CONFIG "config.cdb.diff"

struct diff {
	struct config old, new;
	struct buf room, was, is;
	uint64_t n_asked, n_changed;
};

static void
ask(struct diff *d, const struct slice *sender, struct slice rcpt)
{
	struct slice was_by, is_by;

	buf_clear(&d->was);
	buf_clear(&d->is);
	d->n_asked++;
	decision_line(&d->old, sender, rcpt, &d->room, &d->was, &was_by);
	decision_line(&d->new, sender, rcpt, &d->room, &d->is, &is_by);
	if (slice_eq(buf_slice(&d->was), buf_slice(&d->is)))
		return;
	d->n_changed++;
	say_slice(rcpt);
	if (sender) {
		printf(" from ");
		say_slice(sender->len ? *sender : SLICE("<>"));
	}
	printf("\n  - ");
	say_slice(buf_slice(&d->was));
	printf(" [");
	say_slice(was_by);
	printf("]\n  + ");
	say_slice(buf_slice(&d->is));
	printf(" [");
	say_slice(is_by);
	puts("]");
}

/* An address that a key is for: of *@b, p-*@b, b, .b and * somebody's. */
static struct slice
somebody(struct slice key, struct buf *out)
{
	size_t at = slice_find(key, '@'), star = slice_find(key, '*');

	buf_clear(out);
	if (at < key.len && star < at) {
		buf_puts(out, slice_of(key.at, star));
		buf_text(out, "anybody");
		buf_puts(out, slice_from(key, star + 1));
	} else if (at < key.len) {
		buf_puts(out, key);
	} else {
		buf_text(out, key.at[0] == '.' ? "anybody@any" : "anybody@");
		buf_puts(out, star < key.len ? SLICE("any.invalid") : key);
	}
	return buf_slice(out);
}

static const char *const tables[] = {
    KEYS_LOCALS, KEYS_RCPTHOSTS, KEYS_USERS,   KEYS_VIRTUALDOMAINS,
    KEYS_ROUTES, KEYS_ROUTESBY,	 KEYS_ALIASES, KEYS_LIMITS};

/* Does the key begin with one of them? Cut it off. */
static bool
about_addresses(struct slice *key)
{
	size_t nul = slice_find(*key, 0), i;

	for (i = 0; nul < key->len && i < sizeof tables / sizeof *tables; i++)
		if (slice_eq(slice_of(key->at, nul), slice_text(tables[i]))) {
			*key = slice_from(*key, nul + 1);
			return true;
		}
	return false;
}

/* Ask for every key of a map, but for those of another. */
static void
ask_keys(struct diff *d, struct map *of, struct map *but)
{
	const struct slice by = KEYS_TABLE(KEYS_ROUTESBY);
	struct buf address = {0};
	struct map_record r, other;
	uint32_t at = 0;

	while (map_each(of, &at, &r)) {
		struct slice key = r.key, from;
		size_t nul;

		if (!about_addresses(&key) ||
		    (but && map_find(but, r.key, 0, &other)))
			continue;
		nul = slice_find(key, 0);
		if (nul == key.len && slice_starts(r.key, by))
			continue; /* only says that there are such */
		from = slice_from(key, nul < key.len ? nul + 1 : nul);
		key.len = nul;
		if (key.len == 0 || slice_find(key, ':') < key.len)
			continue; /* all others' line; a next hop of limits */
		if (from.len == 0) {
			ask(d, NULL, somebody(key, &address));
			continue;
		}
		if (slice_eq(from, SLICE("<>"))) {
			from = SLICE("");
			ask(d, &from, somebody(key, &address));
		} else {
			struct buf sender = {0};

			from = somebody(from, &sender);
			ask(d, &from, somebody(key, &address));
			buf_free(&sender);
		}
	}
	buf_free(&address);
}

/* Of what is not about addresses it is said that it changes. */
static void
tell_others(struct diff *d)
{
	struct map *maps[2] = {d->old.map, d->new.map};
	uint64_t n[2] = {0, 0};
	struct map_record r, other;
	unsigned i;

	for (i = 0; i < 2; i++) {
		uint32_t at = 0;

		while (map_each(maps[i], &at, &r)) {
			struct slice key = r.key, a, b, source;
			unsigned k = 0;
			bool same = false;

			if (about_addresses(&key) || r.key.at[0] == 0)
				continue;
			keys_open(r.value, &a, &source);
			while (!same &&
			       map_find(maps[1 - i], r.key, k++, &other)) {
				keys_open(other.value, &b, &source);
				same = slice_eq(a, b);
			}
			n[i] += !same;
		}
	}
	if (n[0] + n[1] > 0)
		printf("besides, in other tables %llu records are removed and "
		       "%llu added "
		       "(listen, access, pools and the like)\n",
		       (unsigned long long)n[0], (unsigned long long)n[1]);
}

static int
ask_sample(struct diff *d, const char *name)
{
	FILE *f = fopen(name, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (!f) {
		perror(name);
		return COMMAND_WRONG;
	}
	while ((len = getline(&line, &cap, f)) > 0) {
		struct slice words = slice_trim(slice_of(line, (size_t)len)),
			     rcpt = slice_word(&words),
			     from = slice_word(&words);

		if (rcpt.len == 0 || rcpt.at[0] == '#')
			continue;
		if (slice_eq(from, SLICE("<>")))
			from = SLICE("");
		ask(d, from.at && from.at[0] ? &from : NULL, rcpt);
	}
	free(line);
	len = ferror(f);
	fclose(f);
	return len ? COMMAND_LATER : COMMAND_DONE;
}

static int
compare(struct diff *d, const char *sample)
{
	int r = COMMAND_DONE;

	if (sample) {
		r = ask_sample(d, sample);
	} else {
		ask_keys(d, d->new.map, NULL);
		ask_keys(d, d->old.map, d->new.map);
		tell_others(d);
	}
	printf("%llu of %llu decisions change\n",
	       (unsigned long long)d->n_changed,
	       (unsigned long long)d->n_asked);
	buf_free(&d->room);
	buf_free(&d->was);
	buf_free(&d->is);
	return r == COMMAND_DONE && fflush(stdout) != 0 ? COMMAND_LATER : r;
}

static int
opened(struct config *c, const char *path)
{
	struct buf why = {0};
	int r = config_open(c, path, &why);

	if (r != 0)
		fprintf(stderr, "quail: %.*s\n", (int)why.len,
			buf_slice(&why).at);
	buf_free(&why);
	return r;
}

int
diff_tables(const char *dir, const char *sample)
{
	struct buf old = {0}, new = {0};
	struct diff d = {0};
	int r = compile_tables_as(dir, NEW_CONFIG);

	if (r != COMMAND_DONE)
		return r;
	buf_text(&old, dir);
	buf_put(&old, "/" HOME_CONFIG, sizeof "/" HOME_CONFIG);
	buf_text(&new, dir);
	buf_put(&new, "/" NEW_CONFIG, sizeof "/" NEW_CONFIG);
	r = COMMAND_WRONG;
	if (opened(&d.new, new.mem) == 0) {
		unlink(new.mem);
		if (opened(&d.old, old.mem) == 0) {
			r = compare(&d, sample);
			config_close(&d.old);
		}
		config_close(&d.new);
	}
	buf_free(&old);
	buf_free(&new);
	return r;
}
