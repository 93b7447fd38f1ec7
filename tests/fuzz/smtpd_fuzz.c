/* smtpd - the server's machine: commands and text at every cut; where a text
 * ends, by a second reading; what the client's half sends, as it arrives */
#include "lib/address.h"
#include "smtp-gateway/canon.h"
#include "smtp-gateway/command.h"
#include "smtp-gateway/smtpd.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static void
there_and_back(struct slice address)
{
	static struct buf path;
	struct slice again;
	size_t n;
	char *at;

	buf_clear(&path);
	buf_putc(&path, '<');
	address_put_quoted(&path, address);
	buf_text(&path, "> x");
	at = path.mem + path.off;
	n = path.len;
	fuzz_check(path_parse(&at, &n, &again) == 0);
	fuzz_check(slice_eq(again, address));
	fuzz_check(n == 2);
}

static void
tell_command(struct buf *story, const struct smtpd_command *c)
{
	buf_text(story, "command ");
	buf_number(story, (uint64_t)c->verb * 10 + (uint64_t)c->fault);
	buf_number(story, c->size);
	buf_putc(story, c->body_8bit ? '8' : '7');
	if (c->fault != SMTPD_GOOD)
		return;
	fuzz_check(c->argument.len <= SMTPD_DOMAIN_MAX);
	fuzz_tell(story, "", c->argument);
	fuzz_tell(story, "", c->address);
	fuzz_check(address_sane(c->address));
	if (c->verb == SMTPD_RCPT)
		fuzz_check(c->address.len > 0);
	if (c->verb == SMTPD_MAIL || c->verb == SMTPD_RCPT)
		there_and_back(c->address);
}

struct run {
	struct smtpd m;
	struct buf *story;
	bool in_text;
};

/* Takes  bytes that end where their memory ends. */
static size_t
push_all(struct run *r, char *at, size_t n)
{
	enum smtpd_event e;
	size_t used;

	do {
		e = smtpd_push(&r->m, at, n, &used);
		fuzz_check(used <= n);
		fuzz_check(e == SMTPD_MORE || used > 0);
		if ((e == SMTPD_TEXT || e == SMTPD_END) && !r->in_text)
			buf_text(r->story, "text(");
		if (e == SMTPD_TEXT) {
			fuzz_check(r->m.text.len > 0);
			buf_puts(r->story, r->m.text);
		}
		if (e == SMTPD_END)
			buf_text(r->story, r->m.bare ? ")BARE " : ") ");
		r->in_text = e == SMTPD_TEXT || (e == SMTPD_MORE && r->in_text);
		if (e == SMTPD_COMMAND)
			tell_command(r->story, &r->m.command);
		if (e == SMTPD_COMMAND && r->m.command.verb == SMTPD_DATA &&
		    r->m.command.fault == SMTPD_GOOD)
			smtpd_data(&r->m);
		at += used;
		n -= used;
	} while (e != SMTPD_MORE);
	fuzz_check(n < SMTPD_LINE_MAX);
	return n;
}

static void
run(struct run *r, struct slice in, struct fuzz_cuts *cuts, struct buf *story)
{
	size_t max = in.len, left = 0;
	char *room = malloc(max + 1), *end = room + max;

	buf_clear(story);
	r->story = story;
	while (in.len > 0) {
		size_t n = cuts ? fuzz_cut(cuts, in.len) : in.len;

		memmove(end - left - n, end - left, left);
		memcpy(end - n, in.at, n);
		in = slice_from(in, n);
		left = push_all(r, end - left - n, left + n);
	}
	free(room);
}

static void
session(struct slice in, struct fuzz_cuts *cuts)
{
	static struct buf whole, cut;
	struct run a = {.in_text = false}, b = {.in_text = false};

	run(&a, in, NULL, &whole);
	run(&b, in, cuts, &cut);
	fuzz_same(&whole, &cut);
	fuzz_check(a.m.state == b.m.state);
}

/* Where does the first CR LF . CR LF end, if there was a CR LF in front? */
static size_t
text_end(struct slice in)
{
	size_t i;

	if (slice_starts(in, SLICE(".\r\n")))
		return 3;
	for (i = 0; i + 5 <= in.len; i++)
		if (!memcmp(in.at + i, "\r\n.\r\n", 5))
			return i + 5;
	return in.len + 1;
}

static bool
is_bare(struct slice text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		bool lf = i + 1 < text.len && text.at[i + 1] == '\n';

		if (text.at[i] == '\r' && !lf)
			return true;
		if (text.at[i] == '\n' && (i == 0 || text.at[i - 1] != '\r'))
			return true;
	}
	return false;
}

static void
plain_text(struct slice text, struct buf *out)
{
	bool begins = true;
	size_t i;

	buf_text(out, "text(");
	for (i = 0; i + 3 < text.len; i++) {
		char c = text.at[i];

		if (c != '\r' && !(c == '.' && begins))
			buf_putc(out, c);
		begins = c == '\n';
	}
	buf_text(out, ") ");
}

/* A text of any bytes: ended by the right bytes alone, marked if it has a
 * bare CR or LF, else without its dots. */
static void
text(struct slice in, struct fuzz_cuts *cuts)
{
	static struct buf story, expected;
	size_t end = text_end(in);
	struct run r = {.in_text = false};
	struct slice head = slice_of(in.at, end <= in.len ? end : in.len);

	smtpd_data(&r.m);
	run(&r, head, cuts, &story);
	fuzz_check((r.m.state == SMTPD_S_COMMAND) == (end <= in.len));
	if (r.m.state != SMTPD_S_COMMAND)
		return;
	fuzz_check(is_bare(head) == r.m.bare);
	if (r.m.bare)
		return;
	buf_clear(&expected);
	plain_text(head, &expected);
	fuzz_same(&story, &expected);
}

static void
lines(struct slice in, struct buf *out)
{
	size_t i;

	buf_text(out, "text(");
	for (i = 0; i < in.len; i++) {
		bool second = in.at[i] == '\n' && i > 0 && in.at[i - 1] == '\r';

		if (!second)
			buf_putc(out, in.at[i] == '\r' ? '\n' : in.at[i]);
	}
	if (in.len > 0 && out->mem[out->off + out->len - 1] != '\n')
		buf_putc(out, '\n');
	buf_text(out, ") ");
}

/* What we send of a text is one text to whoever reads it, and never bare. */
static void
canonical(struct slice in, struct fuzz_cuts *cuts)
{
	static struct buf wire, story, expected;
	struct run r = {.in_text = false};
	struct canon c = {.bad = false};
	struct slice all = in;
	char out[64];
	size_t n;

	buf_clear(&wire);
	while (in.len > 0) {
		size_t room = CANON_ROOM_MIN + cuts->state % 60;
		struct slice piece = fuzz_take(&in, fuzz_cut(cuts, in.len));

		while (piece.len > 0) {
			enum canon_result e =
			    canon_push(&c, &piece, out, room, &n);

			fuzz_check(n <= room);
			buf_put(&wire, out, n);
			if (e == CANON_BAD) {
				fuzz_check(slice_find(all, 0) < all.len);
				return;
			}
		}
	}
	fuzz_check(slice_find(all, 0) == all.len);
	n = canon_end(&c, out);
	fuzz_check(n <= CANON_END_MAX);
	buf_put(&wire, out, n);
	fuzz_check(text_end(buf_slice(&wire)) == wire.len);
	smtpd_data(&r.m);
	run(&r, buf_slice(&wire), cuts, &story);
	fuzz_check(r.m.state == SMTPD_S_COMMAND && !r.m.bare);
	buf_clear(&expected);
	lines(all, &expected);
	fuzz_same(&story, &expected);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	struct slice in = slice_of((const char *)at, n);
	struct fuzz_cuts cuts = fuzz_cuts_take(&in);
	uint8_t what = fuzz_byte(&in) % 3;

	in = fuzz_long(in);
	if (what == 0)
		session(in, &cuts);
	else if (what == 1)
		text(in, &cuts);
	else
		canonical(in, &cuts);
	return 0;
}
