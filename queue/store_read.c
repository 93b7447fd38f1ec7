#include "queue/store_damage.h"
#include "queue/store_load.h"

#include "lib/crc32c.h"
#include "lib/fs.h"
#include "lib/netstring.h"
#include "lib/salvage.h"

#include <errno.h>
#include <fcntl.h>

enum { PIECE = 64 * 1024 };

static const char bad_record[] = "its record is not what was written",
		  no_record[] = "its record cannot be read",
		  bad_text[] = "its text is not what was written",
		  no_text[] = "its text cannot be read";

/* bytes */

/* n bytes that should stand at an offset, out of those that stand at begin. */
static bool
copy_from(const struct buf *b, uint64_t begin, uint64_t at, char *to, size_t n)
{
	if (at < begin || at - begin > b->len || n > b->len - (at - begin))
		return false;
	memcpy(to, buf_slice(b).at + (at - begin), n);
	return true;
}

/* From m's record: out of memory when it was written or read just now. */
static bool
copy_record(const struct store *st, const struct message *m, uint64_t from,
	    char *to, size_t n)
{
	uint64_t at = m->offset + from;
	uint32_t segno = m->segment->segno;

	return (segno == st->written_segno &&
		copy_from(&st->written, st->written_at, at, to, n)) ||
	       (segno == st->ahead_segno &&
		copy_from(&st->ahead, st->ahead_at, at, to, n));
}

static size_t
head_length(const struct message *m)
{
	return RECORD_HEAD + ENTRY_M_HEAD + (size_t)m->env_len;
}

static int
read_big(const struct store *st, const struct message *m, uint64_t from,
	 char *to, size_t n)
{
	char name[BIG_NAME];
	int fd, r, e;

	big_name(name, m->id);
	fd = fs_open(st->big_dir, name, O_RDONLY, 0);
	if (fd < 0) {
		errno = errno == ENOENT ? EIO : errno;
		return -1;
	}
	r = fs_read_all(fd, to, n, (off_t)from);
	e = errno;
	fs_close(fd);
	errno = e;
	return r;
}

int
store_text(struct store *st, struct message *m, uint64_t from, char *to,
	   size_t n)
{
	if (m->is_big)
		return read_big(st, m, from, to, n);
	from += head_length(m);
	return copy_record(st, m, from, to, n)
		   ? 0
		   : fs_read_all(m->segment->fd, to, n,
				 (off_t)(m->offset + from));
}

/* checking */

/* The checksum of n bytes of text; -1 with errno. */
static int
sum_text(struct store *st, struct message *m, uint32_t *crc)
{
	struct buf room = {0};
	uint64_t at, n;
	int r = 0;

	*crc = 0;
	buf_room(&room, PIECE);
	for (at = 0; r == 0 && at < m->text_len; at += n) {
		n = m->text_len - at < PIECE ? m->text_len - at : PIECE;
		r = store_text(st, m, at, buf_room(&room, PIECE), (size_t)n);
		if (r == 0)
			*crc = crc32c(
			    *crc, slice_of(buf_room(&room, PIECE), (size_t)n));
	}
	buf_free(&room);
	return r;
}

static bool
is_right(const struct message *m, const struct record *r,
	 const struct entry_m *entry)
{
	return r->type == 'M' && r->segno == m->segment->segno &&
	       r->len + (uint64_t)RECORD_EXTRA == store_footprint(m) &&
	       entry->id == m->id && entry->birth_us == m->birth_us &&
	       entry->env_len == m->env_len && entry->n_rcpts == m->n_rcpts &&
	       entry->text_len == m->text_len && entry->is_big == m->is_big;
}

/* Is what stands before the text what was written? The record's checksum goes
 * over the text too; with what the head says of that, it need not be read.
 * Records of versions that did not say it there have a 0. */
static int
check_head(struct store *st, struct message *m, struct slice head,
	   uint32_t *text_crc)
{
	struct slice payload = slice_from(head, RECORD_HEAD);
	struct entry_m entry;
	struct record r;
	uint32_t crc;

	errno = EBADMSG;
	if (record_head(head, &r) != 0 ||
	    entry_m_parse_head(payload, &entry) != 0 ||
	    !is_right(m, &r, &entry))
		return -1;
	*text_crc = entry.text_crc;
	crc = record_sum(head, payload.len, m->segment->salt);
	if (m->is_big)
		return crc == r.crc ? 0 : -1;
	if (crc32c_join(crc, *text_crc, m->text_len) == r.crc)
		return 0;
	if (*text_crc != 0)
		return -1;
	if (sum_text(st, m, text_crc) != 0)
		return -1;
	errno = EBADMSG;
	return crc32c_join(crc, *text_crc, m->text_len) == r.crc ? 0 : -1;
}

/* envelopes */

/* Who asks for the envelope, its first n bytes, is going to ask for the text
 * next, as a rule. */
static int
read_head(struct store *st, struct message *m, struct buf *room)
{
	size_t n = head_length(m);
	size_t text = m->is_big || m->text_len > STORE_AHEAD ? 0 : m->text_len;

	buf_clear(&st->ahead);
	if (fs_read_all(m->segment->fd, buf_room(&st->ahead, n + text),
			n + text, (off_t)m->offset) != 0)
		return -1;
	buf_added(&st->ahead, n + text);
	st->ahead_at = m->offset;
	st->ahead_segno = m->segment->segno;
	buf_clear(room);
	buf_put(room, buf_slice(&st->ahead).at, n);
	return 0;
}

/* From the disk it is believed only after a look at its checksum. */
static int
checked_head(struct store *st, struct message *m, struct buf *room,
	     uint32_t *text_crc)
{
	if (read_head(st, m, room) == 0 &&
	    check_head(st, m, buf_slice(room), text_crc) == 0)
		return 0;
	if (!salvage_is_damage(errno))
		return -1;
	fs_uncache(m->segment->fd, m->offset, head_length(m));
	if (read_head(st, m, room) == 0 &&
	    check_head(st, m, buf_slice(room), text_crc) == 0)
		return 0; /* memory had gone bad, not the disk */
	buf_clear(&st->ahead);
	return salvage_is_damage(errno)
		   ? store_spoil(st, m,
				 errno == EBADMSG ? bad_record : no_record)
		   : -1;
}

static int
read_envelope(struct store *st, struct message *m, struct buf *room,
	      uint32_t *text_crc)
{
	size_t n = head_length(m);
	struct entry_m entry;

	buf_clear(room);
	if (!copy_record(st, m, 0, buf_room(room, n), n))
		return checked_head(st, m, room, text_crc);
	buf_added(room, n);
	errno = EBADMSG;
	if (entry_m_parse_head(slice_from(buf_slice(room), RECORD_HEAD),
			       &entry) != 0 ||
	    entry.id != m->id)
		return -1;
	*text_crc = entry.text_crc;
	return 0;
}

static int
split_envelope(struct slice rest, uint32_t n_rcpts, struct store_envelope *e)
{
	struct slice one;
	uint32_t i;

	errno = EBADMSG;
	if (netstring_slice(&rest, &e->sender) != 0)
		return -1;
	e->rcpts = rest;
	for (i = 0; i < n_rcpts; i++)
		if (netstring_slice(&rest, &one) != 0)
			return -1;
	e->rcpts.len = (size_t)(rest.at - e->rcpts.at);
	e->attrs = rest;
	return 0;
}

int
store_envelope(struct store *st, struct message *m, struct buf *room,
	       struct store_envelope *e)
{
	if (read_envelope(st, m, room, &e->text_crc) != 0)
		return -1;
	return split_envelope(
	    slice_from(buf_slice(room), RECORD_HEAD + ENTRY_M_HEAD), m->n_rcpts,
	    e);
}

/* texts */

int
store_text_next(struct store *st, struct message *m, struct store_reader *r,
		char *to, size_t n)
{
	if (store_text(st, m, r->at, to, n) != 0)
		return salvage_is_damage(errno) ? store_spoil(st, m, no_text)
						: -1;
	r->crc = crc32c(r->crc, slice_of(to, n));
	r->at += n;
	if (r->at < m->text_len || r->crc == r->want)
		return 0;
	errno = EBADMSG;
	return store_spoil(st, m, bad_text);
}

/* Is all of a text that has its own file there? Its bytes are not read. */
static int
check_size(struct store *st, const struct message *m)
{
	char name[BIG_NAME];
	struct stat file;
	int fd, r;

	big_name(name, m->id);
	fd = fs_open(st->big_dir, name, O_RDONLY, 0);
	if (fd < 0)
		return -1;
	r = fs_stat(fd, &file);
	fs_close(fd);
	errno = EBADMSG;
	return r == 0 && (uint64_t)file.st_size == m->text_len ? 0 : -1;
}

int
store_check_some(struct store *st, struct message *m)
{
	struct buf room = {0};
	uint32_t crc;
	int r;

	if (!m->is_big || m->text_len <= STORE_REREAD_MAX)
		return store_check(st, m, false);
	r = read_envelope(st, m, &room, &crc);
	buf_free(&room);
	return r == 0 ? check_size(st, m) : -1;
}

/* Let the next reads come from the disk. */
static void
uncache(struct store *st, const struct message *m)
{
	char name[BIG_NAME];
	int fd;

	fs_uncache(m->segment->fd, m->offset, store_footprint(m));
	buf_clear(&st->ahead);
	buf_clear(&st->written);
	if (!m->is_big)
		return;
	big_name(name, m->id);
	fd = fs_open(st->big_dir, name, O_RDONLY, 0);
	if (fd < 0)
		return;
	fs_uncache(fd, 0, 0);
	fs_close(fd);
}

/* Does the record end as it should? Its checksum does not say that. */
static int
check_end(const struct store *st, const struct message *m)
{
	uint64_t last = store_footprint(m) - 1;
	char c;

	if (!copy_record(st, m, last, &c, 1) &&
	    fs_read_all(m->segment->fd, &c, 1, (off_t)(m->offset + last)) != 0)
		return -1;
	errno = EBADMSG;
	return c == '\n' ? 0 : -1;
}

int
store_check(struct store *st, struct message *m, bool from_disk)
{
	uint32_t want, crc;
	struct buf room = {0};
	int r;

	if (from_disk)
		uncache(st, m);
	r = read_envelope(st, m, &room, &want);
	buf_free(&room);
	if (r == 0)
		r = sum_text(st, m, &crc);
	if (r == 0 && crc != want) {
		errno = EBADMSG;
		r = -1;
	}
	if (r == 0)
		r = check_end(st, m);
	if (r != 0 && salvage_is_damage(errno))
		store_spoil(st, m, bad_text);
	return r;
}
