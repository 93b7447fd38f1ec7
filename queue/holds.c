#include "queue/holds.h"

#include "lib/die.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "queue/glob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

enum { FILE_MAX = HOLDS_MAX * (HOLDS_PATTERN_MAX + 8) };

struct slice
hold_word(enum hold_kind kind)
{
	return kind == HOLD_FROM ? SLICE("from") : SLICE("dest");
}

bool
holds_good(struct slice pattern)
{
	size_t i;

	for (i = 0; i < pattern.len; i++)
		if ((unsigned char)pattern.at[i] < ' ' || pattern.at[i] == 127)
			return false;
	return pattern.len > 0 && pattern.len <= HOLDS_PATTERN_MAX;
}

/* the text */

static int
parse_line(struct hold *hold, struct slice line)
{
	struct slice word = slice_of(line.at, slice_find(line, ' '));

	if (slice_eq(word, hold_word(HOLD_FROM)))
		hold->kind = HOLD_FROM;
	else if (slice_eq(word, hold_word(HOLD_DEST)))
		hold->kind = HOLD_DEST;
	else
		return -1;
	if (word.len == line.len)
		return -1;
	hold->pattern = slice_from(line, word.len + 1);
	return holds_good(hold->pattern) ? 0 : -1;
}

/* Take *text over and read it; -1 when it makes no sense. */
static int
parse_take(struct holds *h, struct buf *text)
{
	struct slice rest;

	buf_free(&h->text);
	h->text = *text;
	*text = (struct buf){0};
	h->n = h->n_from = 0;
	if (!h->all)
		h->all = calloc(HOLDS_MAX, sizeof *h->all);
	if (!h->all)
		die_nomem();
	for (rest = buf_slice(&h->text); rest.len > 0;) {
		size_t end = slice_find(rest, '\n');

		if (end == rest.len || h->n == HOLDS_MAX ||
		    parse_line(&h->all[h->n], slice_of(rest.at, end)) != 0) {
			h->n = h->n_from = 0;
			return -1;
		}
		h->n_from += h->all[h->n++].kind == HOLD_FROM;
		rest = slice_from(rest, end + 1);
	}
	return 0;
}

static void
put_rule(struct buf *text, enum hold_kind kind, struct slice pattern)
{
	buf_puts(text, hold_word(kind));
	buf_putc(text, ' ');
	buf_puts(text, pattern);
	buf_putc(text, '\n');
}

static int
read_file(int fd, struct buf *text)
{
	struct stat file;

	if (fs_stat(fd, &file) != 0)
		return -1;
	if (file.st_size > FILE_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (fs_read_all(fd, buf_room(text, (size_t)file.st_size + 1),
			(size_t)file.st_size, 0) != 0)
		return -1;
	buf_added(text, (size_t)file.st_size);
	return 0;
}

int
holds_load(struct holds *h, int dir)
{
	int fd = fs_open(dir, "holds", O_RDONLY, 0), e;
	struct buf text = {0};

	*h = (struct holds){.dir = dir};
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (read_file(fd, &text) != 0) {
		e = errno;
		fs_close(fd);
		buf_free(&text);
		errno = e;
		return -1;
	}
	fs_close(fd);
	if (parse_take(h, &text) == 0)
		return 0;
	errno = EINVAL;
	return -1;
}

void
holds_load_safely(struct holds *h, int dir)
{
	struct buf text = {0};

	if (holds_load(h, dir) == 0)
		return;
	log_open("holds-unreadable");
	log_errno(errno);
	log_text("what", "queue/holds cannot be read, so all next hops are "
			 "held; make the rules again that are wanted, then "
			 "quail queue release --dest '*'");
	log_close();
	put_rule(&text, HOLD_DEST, SLICE("*"));
	if (parse_take(h, &text) != 0)
		die_bug("no rule that holds all");
}

const struct hold *
holds_find(const struct holds *h, enum hold_kind kind, struct slice s)
{
	size_t i;

	if (kind == HOLD_FROM && h->n_from == 0)
		return NULL;
	for (i = 0; i < h->n; i++)
		if (h->all[i].kind == kind && glob_match(h->all[i].pattern, s))
			return &h->all[i];
	return NULL;
}

/* changing */

static int
write_file(int dir, struct slice text)
{
	int fd = fs_open(dir, "holds.new", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int r, e;

	if (fd < 0)
		return -1;
	r = fs_write_all(fd, text.at, text.len, 0);
	if (r == 0)
		r = fs_sync(fd);
	e = errno;
	fs_close(fd);
	errno = e;
	if (r != 0 || fs_rename(dir, "holds.new", dir, "holds") != 0)
		return -1;
	return fs_sync(dir);
}

/* Owns *text from here on. */
static int
replace_take(struct holds *h, struct buf *text)
{
	if (write_file(h->dir, buf_slice(text)) != 0) {
		int e = errno;

		buf_free(text);
		errno = e;
		return -1;
	}
	if (parse_take(h, text) != 0)
		die_bug("rules that cannot be read again");
	return 0;
}

static bool
is_it(const struct hold *hold, enum hold_kind kind, struct slice pattern)
{
	return pattern.len == 0 ||
	       (hold->kind == kind && slice_eq(hold->pattern, pattern));
}

int
holds_add(struct holds *h, enum hold_kind kind, struct slice pattern)
{
	struct buf text = {0};
	size_t i;

	for (i = 0; i < h->n; i++)
		if (is_it(&h->all[i], kind, pattern))
			return 0;
	if (h->n == HOLDS_MAX) {
		errno = ENOSPC;
		return -1;
	}
	buf_puts(&text, buf_slice(&h->text));
	put_rule(&text, kind, pattern);
	return replace_take(h, &text) == 0 ? 1 : -1;
}

int
holds_remove(struct holds *h, enum hold_kind kind, struct slice pattern)
{
	struct buf text = {0};
	int n_removed = 0;
	size_t i;

	for (i = 0; i < h->n; i++) {
		if (is_it(&h->all[i], kind, pattern))
			n_removed++;
		else
			put_rule(&text, h->all[i].kind, h->all[i].pattern);
	}
	if (n_removed == 0) {
		buf_free(&text);
		return 0;
	}
	return replace_take(h, &text) == 0 ? n_removed : -1;
}

void
holds_free(struct holds *h)
{
	buf_free(&h->text);
	free(h->all);
	h->all = NULL;
	h->n = h->n_from = 0;
}
