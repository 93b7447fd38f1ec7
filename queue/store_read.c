#include "queue/entry.h"
#include "queue/store.h"

#include "lib/fs.h"
#include "lib/netstring.h"

#include <errno.h>
#include <fcntl.h>

/* From m's record: out of memory when it was written just now. */
static int
read_record(const struct store *st, const struct message *m, uint64_t from,
	    char *to, size_t n)
{
	uint64_t at = m->offset + from;

	if (m->segment->segno == st->written_segno && at >= st->written_at &&
	    at - st->written_at <= st->written.len &&
	    n <= st->written.len - (at - st->written_at)) {
		memcpy(to, buf_slice(&st->written).at + (at - st->written_at),
		       n);
		return 0;
	}
	return fs_read_all(m->segment->fd, to, n, (off_t)at);
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
	if (read_record(st, m, 0, buf_room(room, n), n) != 0)
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
