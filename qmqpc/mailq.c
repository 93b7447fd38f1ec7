#include "qmqpc/mailq.h"

#include "lib/fs.h"
#include "lib/netstring.h"
#include "lib/trace.h"
#include "qmqpc/letter.h"
#include "qmqpc/session.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

/* Addresses are the spool's, and so anybody's: not for a terminal, some of
 * which take bytes from 0x80 on for controls too. */
static void
put_clean(struct buf *out, struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		buf_putc(out, session_clean(s.at[i]));
}

static void
put_letter(struct buf *out, const struct letter *l, uint64_t id)
{
	struct slice rest = l->rcpts, rcpt;

	buf_hex(out, 16, id);
	buf_putc(out, ' ');
	buf_number(out, l->entry.text_len);
	buf_putc(out, ' ');
	trace_date(out, l->entry.birth_us / 1000000);
	buf_text(out, " <");
	put_clean(out, l->sender);
	buf_text(out, ">\n");
	while (netstring_slice(&rest, &rcpt) == 0) {
		buf_text(out, "\t<");
		put_clean(out, rcpt);
		buf_text(out, ">\n");
	}
}

static bool
may_see(const struct spool *s, const struct letter *l)
{
	return l->owner == getuid() || getuid() == 0 || getuid() == s->owner;
}

struct listing {
	const struct spool *spool;
	struct buf out;
	size_t n;
};

static bool
list_one(void *arg, const char *name)
{
	struct listing *listing = arg;
	struct letter l;
	const char *why;
	uint64_t id;

	if (!spool_id(name, "m.", &id))
		return true;
	if (letter_open(&l, listing->spool, name, &why) == LETTER_GOOD &&
	    may_see(listing->spool, &l)) {
		put_letter(&listing->out, &l, id);
		session_print(buf_slice(&listing->out));
		buf_clear(&listing->out);
		listing->n++;
	}
	letter_close(&l);
	return true;
}

static int
list_all(const struct spool *s)
{
	struct listing listing = {.spool = s};

	if (s->sync_dir < 0 || fs_each(s->sync_dir, list_one, &listing) != 0)
		return session_complain(
		    EX_NOPERM, SLICE("this user may not list the spool"));
	if (listing.n == 0)
		session_print(SLICE("Mail queue is empty\n"));
	buf_free(&listing.out);
	return 0;
}

int
mailq_run(void)
{
	const char *dir = secure_getenv("QUAIL_DIR");
	struct buf path = {0};
	struct spool s;
	int code;

	spool_path(&path, dir && *dir ? dir : "/etc/quail");
	if (spool_open(&s, buf_slice(&path).at) == 0)
		code = list_all(&s);
	else
		code = session_complain(EX_UNAVAILABLE,
					SLICE("there is no spool here"));
	spool_close(&s);
	buf_free(&path);
	return code;
}
