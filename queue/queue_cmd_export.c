#include "queue/queue_cmd_export.h"

#include "lib/fs.h"
#include "queue/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

int
export_open(struct export *e, const char *path)
{
	int error;

	*e = (struct export){.fd = -1};
	if (fs_mkdir(AT_FDCWD, path, 0700) != 0 && errno != EEXIST)
		return -1;
	e->dir = fs_open_dir(AT_FDCWD, path);
	if (e->dir < 0)
		return -1;
	/* who has exported may remove: the directory must stay, too */
	if (fs_sync_above(e->dir) == 0)
		return 0;
	error = errno;
	fs_close(e->dir);
	errno = error;
	return -1;
}

static void
put_escaped(struct buf *b, struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c == '\\') {
			buf_text(b, "\\\\");
		} else if (c >= ' ' && c <= '~') {
			buf_putc(b, (char)c);
		} else {
			buf_text(b, "\\x");
			buf_hex(b, 2, c);
		}
	}
}

static void
put_line(struct buf *b, const char *what, struct slice value)
{
	buf_text(b, what);
	buf_putc(b, ' ');
	put_escaped(b, value);
	buf_putc(b, '\n');
}

static struct slice
field(struct slice body, const char *key)
{
	struct slice value;

	return entry_attr(body, key, &value) ? value : SLICE("");
}

/* NAME is written to NAME.new until it is whole. */
static void
names(char name[32], char new_name[32], const struct export *e,
      const char *suffix)
{
	snprintf(name, 32, "%s%s", e->name, suffix);
	snprintf(new_name, 32, "%s%s.new", e->name, suffix);
}

static int
create(struct export *e, const char *suffix)
{
	char name[32], new_name[32];

	names(name, new_name, e, suffix);
	return fs_open(e->dir, new_name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
}

/* Sync, close, and give it its name; or remove it. */
static int
finish_take(struct export *e, int fd, const char *suffix, bool is_good)
{
	char name[32], new_name[32];
	int error;

	names(name, new_name, e, suffix);
	if (is_good && fs_sync(fd) != 0)
		is_good = false;
	error = errno;
	fs_close(fd);
	if (is_good)
		return fs_rename(e->dir, new_name, e->dir, name);
	fs_unlink(e->dir, new_name);
	errno = error;
	return -1;
}

/* An id, or the place of a damaged message: nothing that leads elsewhere. */
static bool
is_name(struct slice id)
{
	size_t i;

	for (i = 0; i < id.len; i++)
		if (!strchr("0123456789abcdef-", id.at[i]) || !id.at[i])
			return false;
	return id.len == 16 || id.len == 17;
}

/* What is being written is to have another name. */
static int
rename_new(struct export *e, const char *from, const char *to)
{
	char name[32], new_from[32], new_to[32];

	names(name, new_from, e, from);
	names(name, new_to, e, to);
	return fs_rename(e->dir, new_from, e->dir, new_to);
}

static int
begin(struct export *e, struct slice body)
{
	struct slice id = field(body, "id"), from;
	uint64_t birth_us;
	struct buf seconds = {0};

	if (!is_name(id) ||
	    slice_number(field(body, "birth_us"), INT64_MAX, &birth_us) != 0) {
		errno = EPROTO;
		return -1;
	}
	memcpy(e->name, id.at, id.len);
	e->name[id.len] = 0;
	e->at = 0;
	buf_clear(&e->envelope);
	put_line(&e->envelope, "id", id);
	buf_number(&seconds, birth_us / 1000000);
	put_line(&e->envelope, "received", buf_slice(&seconds));
	buf_free(&seconds);
	if (entry_attr(body, "from", &from))
		put_line(&e->envelope, "from", from);
	else
		put_line(&e->envelope, "damaged", SLICE("envelope"));
	e->fd = create(e, "");
	return e->fd < 0 ? -1 : 0;
}

static int
write_envelope(struct export *e)
{
	struct slice s = buf_slice(&e->envelope);
	int fd = create(e, ".env");

	if (fd < 0)
		return -1;
	return finish_take(e, fd, ".env",
			   fs_write_all(fd, s.at, s.len, 0) == 0);
}

static int
end(struct export *e, struct slice body)
{
	bool is_whole = slice_eq(body, SLICE("K"));
	bool is_changed = slice_eq(body, SLICE("C"));
	bool is_damaged = is_changed || slice_eq(body, SLICE("D"));
	int fd = e->fd, r;

	e->fd = -1;
	if (!is_whole && !is_damaged) {
		finish_take(e, fd, "", false);
		e->n_lost++;
		return 0;
	}
	if (is_damaged)
		put_line(&e->envelope, "damaged",
			 is_changed ? SLICE("text") : SLICE("end of text"));
	r = write_envelope(e);
	if (is_damaged && r == 0)
		r = rename_new(e, "", ".damaged");
	if (finish_take(e, fd, is_damaged ? ".damaged" : "", r == 0) != 0)
		return -1;
	e->n += is_whole;
	e->n_changed += is_changed;
	e->n_short += is_damaged && !is_changed;
	return 0;
}

int
export_item(struct export *e, char type, struct slice body)
{
	if (type == 'm')
		return begin(e, body);
	if (e->fd < 0) {
		errno = EPROTO;
		return -1;
	}
	if (type == 'a') {
		put_line(&e->envelope, "attribute", body);
	} else if (type == 'r') {
		put_line(&e->envelope,
			 slice_eq(field(body, "done"), SLICE("1")) ? "done"
								   : "to",
			 field(body, "to"));
	} else if (type == 't') {
		if (fs_write_all(e->fd, body.at, body.len, (off_t)e->at) != 0)
			return -1;
		e->at += body.len;
	} else if (type == 'e') {
		return end(e, body);
	}
	return 0;
}

int
export_close(struct export *e)
{
	int r, error;

	if (e->fd >= 0)
		finish_take(e, e->fd, "", false);
	r = fs_sync(e->dir);
	error = errno;
	fs_close(e->dir);
	buf_free(&e->envelope);
	errno = error;
	return r;
}
