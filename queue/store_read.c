#include "queue/entry.h"
#include "queue/store.h"

#include "lib/fs.h"
#include "lib/netstring.h"

#include <errno.h>
#include <fcntl.h>

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
static int
read_record(const struct store *st, const struct message *m, uint64_t from,
	    char *to, size_t n)
{
	uint64_t at = m->offset + from;
	uint32_t segno = m->segment->segno;

	if (segno == st->written_segno &&
	    copy_from(&st->written, st->written_at, at, to, n))
		return 0;
	if (segno == st->ahead_segno &&
	    copy_from(&st->ahead, st->ahead_at, at, to, n))
		return 0;
	return fs_read_all(m->segment->fd, to, n, (off_t)at);
}

/* Who asks for the envelope, its first n bytes, is going to ask for the text
 * next, as a rule. */
static int
read_envelope(struct store *st, const struct message *m, char *to, size_t n)
{
	size_t text = m->is_big || m->text_len > STORE_AHEAD ? 0 : m->text_len;

	if (m->segment->segno == st->written_segno &&
	    m->offset >= st->written_at && st->written.len > 0)
		text = 0; /* it is in memory */
	if (text == 0 || (m->segment->segno == st->ahead_segno &&
			  m->offset == st->ahead_at && st->ahead.len > 0))
		return read_record(st, m, 0, to, n);
	buf_clear(&st->ahead);
	if (fs_read_all(m->segment->fd, buf_room(&st->ahead, n + text),
			n + text, (off_t)m->offset) != 0)
		return -1;
	buf_added(&st->ahead, n + text);
	st->ahead_at = m->offset;
	st->ahead_segno = m->segment->segno;
	memcpy(to, buf_slice(&st->ahead).at, n);
	return 0;
}

int
store_envelope(struct store *st, struct message *m, struct buf *room,
	       struct store_envelope *e)
{
	struct slice rest;
	struct entry_m entry;
	struct slice one;
	uint32_t i;
	size_t n = RECORD_HEAD + ENTRY_M_HEAD + m->env_len;

	buf_clear(room);
	if (read_envelope(st, m, buf_room(room, n), n) != 0)
		return -1;
	buf_added(room, n);
	rest = slice_from(buf_slice(room), RECORD_HEAD);
	errno = EBADMSG;
	if (entry_m_parse_head(rest, &entry) != 0 || entry.id != m->id ||
	    entry.env_len != m->env_len || entry.n_rcpts != m->n_rcpts)
		return -1;
	rest = slice_from(rest, ENTRY_M_HEAD);
	if (netstring_slice(&rest, &e->sender) != 0)
		return -1;
	e->rcpts = rest;
	for (i = 0; i < m->n_rcpts; i++)
		if (netstring_slice(&rest, &one) != 0)
			return -1;
	e->rcpts.len = (size_t)(rest.at - e->rcpts.at);
	e->attrs = rest;
	return 0;
}

int
store_text(struct store *st, struct message *m, uint64_t from, char *to,
	   size_t n)
{
	char name[BIG_NAME];
	int fd, r, e;

	if (!m->is_big)
		return read_record(
		    st, m, RECORD_HEAD + ENTRY_M_HEAD + m->env_len + from, to,
		    n);
	big_name(name, m->id);
	fd = fs_open(st->big_dir, name, O_RDONLY, 0);
	if (fd < 0)
		return -1;
	r = fs_read_all(fd, to, n, (off_t)from);
	e = errno;
	fs_close(fd);
	errno = e;
	return r;
}
