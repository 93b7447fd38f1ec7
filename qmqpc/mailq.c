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

/* Addresses are the spool's, and so anybody's: not for a terminal. */
static void
put_clean(struct buf *out, struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		buf_putc(out, (uint8_t)s.at[i] < 0x20 || s.at[i] == 0x7f
				  ? '?'
				  : s.at[i]);
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

static size_t
list(const struct spool *s, struct slice names)
{
	struct buf out = {0};
	struct letter l;
	const char *why;
	uint64_t id;
	size_t n = 0;

	while (names.len > 0) {
		if (spool_id(names.at, "m.", &id) &&
		    letter_open(&l, s, names.at, &why) == LETTER_GOOD &&
		    may_see(s, &l)) {
			put_letter(&out, &l, id);
			session_print(buf_slice(&out));
			buf_clear(&out);
			n++;
		}
		if (spool_id(names.at, "m.", &id))
			letter_close(&l);
		names = slice_from(names, strlen(names.at) + 1);
	}
	buf_free(&out);
	return n;
}

static int
list_all(const struct spool *s)
{
	struct buf names = {0};
	size_t n;

	if (s->sync_dir < 0 || fs_list(s->sync_dir, &names) != 0)
		return session_complain(
		    EX_NOPERM, SLICE("this user may not list the spool"));
	n = list(s, buf_slice(&names));
	if (n == 0)
		session_print(SLICE("Mail queue is empty\n"));
	buf_free(&names);
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
