/* The server's machine: every cut, wrong inputs, the smuggling table. */
#include "lib/address.h"
#include "lib/buf.h"
#include "smtp-gateway/command.h"
#include "smtp-gateway/smtpd.h"

#include "tests/tap.h"

#include <stdlib.h>

static const char *const verbs[] = {"?",    "helo", "ehlo", "mail",
				    "rcpt", "data", "rset", "noop",
				    "quit", "vrfy", "help"};
static const char *const faults[] = {"",       "bare",	  "nul",      "long",
				     "syntax", "address", "parameter"};

static void
tell_command(struct buf *story, const struct smtpd_command *c)
{
	buf_text(story, verbs[c->verb]);
	if (c->fault) {
		buf_text(story, "!");
		buf_text(story, faults[c->fault]);
	} else if (c->verb == SMTPD_MAIL || c->verb == SMTPD_RCPT) {
		buf_text(story, "<");
		buf_puts(story, c->address);
		buf_text(story, ">");
	} else if (c->argument.len > 0) {
		buf_text(story, "(");
		buf_puts(story, c->argument);
		buf_text(story, ")");
	}
	if (c->size) {
		buf_text(story, "size=");
		buf_number(story, c->size);
	}
	if (c->body_8bit)
		buf_text(story, "8bit");
	buf_text(story, " ");
}

/* DATA is always let through. */
static void
tell_all(struct smtpd *m, struct buf *in, struct buf *story, bool *in_text)
{
	while (in->len > 0) {
		size_t used;
		enum smtpd_event e =
		    smtpd_push(m, in->mem + in->off, in->len, &used);

		if (e == SMTPD_TEXT || e == SMTPD_END) {
			if (!*in_text)
				buf_text(story, "text(");
			*in_text = e == SMTPD_TEXT;
		}
		if (e == SMTPD_TEXT)
			buf_puts(story, m->text);
		if (e == SMTPD_END)
			buf_text(story, m->bare ? ")BARE " : ") ");
		if (e == SMTPD_COMMAND) {
			tell_command(story, &m->command);
			if (m->command.verb == SMTPD_DATA &&
			    m->command.fault == SMTPD_GOOD)
				smtpd_data(m);
		}
		buf_take(in, used);
		if (e == SMTPD_MORE)
			break;
	}
}

static void
run(const char *wire, size_t len, size_t piece, struct buf *story)
{
	struct smtpd m = {0};
	struct buf in = {0};
	bool in_text = false;
	size_t at;

	buf_clear(story);
	for (at = 0; at < len; at += piece) {
		buf_put(&in, wire + at, len - at < piece ? len - at : piece);
		tell_all(&m, &in, story, &in_text);
	}
	buf_free(&in);
}

static bool
same_at_every_cut(const char *wire, size_t len, const char *told)
{
	struct buf story = {0};
	bool same = true;
	size_t piece;

	for (piece = 1; piece <= len && same; piece++) {
		run(wire, len, piece, &story);
		same = slice_eq(buf_slice(&story), slice_text(told));
		if (!same)
			fprintf(stderr, "# piece %zu: %.*s\n", piece,
				(int)story.len, buf_slice(&story).at);
	}
	buf_free(&story);
	return same;
}

#define ROW(wire, told)                                                        \
	{                                                                      \
		wire, sizeof(wire) - 1, told                                   \
	}
struct row {
	const char *wire;
	size_t len;
	const char *told;
};

static void
run_table(const char *name, const struct row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		ok(same_at_every_cut(rows[i].wire, rows[i].len, rows[i].told),
		   "%s %zu, every cut", name, i);
}

static const struct row sessions[] = {
    ROW("EHLO leaf.test\r\n"
	"MAIL FROM:<a@b.test> SIZE=5\r\n"
	"RCPT TO:<\"c d\"@e.test>\r\n"
	"RCPT TO:<f@g.test>\r\n"
	"DATA\r\n"
	"hi\r\n..\r\n.\r\n"
	"QUIT\r\n",
	"ehlo(leaf.test) mail<a@b.test>size=5 rcpt<c d@e.test> "
	"rcpt<f@g.test> data text(hi\n.\n) quit "),
    ROW("DATA\r\n.\r\nDATA\r\n\r\n.\r\nnoop x y\r\n",
	"data text() data text(\n) noop "),
    ROW("DATA\r\na\0b\xff\r\n.c\r\n..\r\n...d\r\n.\r\nRSET\r\n",
	"data text(a\0")};

static const struct row paths[] = {
    ROW("MAIL FROM:<>\r\n", "mail<> "),
    ROW("mail from: <a@b>  BODY=8BITMIME  SIZE=7\r\n", "mail<a@b>size=78bit "),
    ROW("MAIL FROM:<a@b> body=7bit\r\n", "mail<a@b> "),
    ROW("RCPT TO:<postmaster>\r\n", "rcpt<postmaster> "),
    ROW("RCPT TO:<\"a@b.test\">\r\n", "rcpt!address "),
    ROW("RCPT TO:<@x.test,@y.test:a@b.test>\r\n", "rcpt<a@b.test> "),
    ROW("RCPT TO:<@x.test:a@b.test>\r\n", "rcpt<a@b.test> "),
    ROW("RCPT TO:<a@[192.0.2.1]>\r\n", "rcpt<a@[192.0.2.1]> "),
    ROW("RCPT TO:<a@[IPv6:::1]>\r\n", "rcpt<a@[IPv6:::1]> "),
    ROW("RCPT TO:<\"a\\\"b\\\\c@d>\"@e>\r\n", "rcpt<a\"b\\c@d>@e> "),
    ROW("RCPT TO:<\"\"@e>\r\n", "rcpt!address "),
    ROW("RCPT TO:<#@[]>\r\n", "rcpt!address "),
    ROW("RCPT TO:<>\r\n", "rcpt!address "),
    ROW("RCPT TO:a@b\r\n", "rcpt!address "),
    ROW("RCPT TO:<a@b\r\n", "rcpt!address "),
    ROW("RCPT TO:<a b@c>\r\n", "rcpt!address "),
    ROW("RCPT TO:<a@b c>\r\n", "rcpt!address "),
    ROW("RCPT TO:<a@>\r\n", "rcpt!address "),
    ROW("RCPT TO:<@b>\r\n", "rcpt!address "),
    ROW("RCPT TO:<@b:>\r\n", "rcpt!address "),
    ROW("RCPT TO:<@b,c:d@e>\r\n", "rcpt!address "),
    ROW("RCPT TO:<\"a@b>\r\n", "rcpt!address "),
    ROW("RCPT TO:<\"a\\\r\n", "rcpt!address "),
    ROW("RCPT TO:<a\x01@b>\r\n", "rcpt!address "),
    ROW("RCPT TO:<a\xe9@b>\r\n", "rcpt!address "),
    ROW("RCPT TO:<a@b@c>\r\n", "rcpt!address "),
    ROW("RCPT TO:<a@[b>\r\n", "rcpt!address "),
    ROW("RCPT TO:<a@[b]>\r\n", "rcpt<a@[b]> "),
    ROW("RCPT TO:<@x:@b>\r\n", "rcpt!address "),
    ROW("RCPT TO:<a@[]>\r\n", "rcpt!address "),
    ROW("RCPT TO:<a@b>x\r\n", "rcpt!address "),
    ROW("RCPT TO:\r\n", "rcpt!address "),
    ROW("RCPT FROM:<a@b>\r\n", "rcpt!syntax "),
    ROW("RCPT\r\n", "rcpt!syntax "),
    ROW("RCPT TO:<a@b> NOTIFY=NEVER\r\n", "rcpt!parameter "),
    ROW("MAIL FROM:<a@b> AUTH=<>\r\n", "mail!parameter "),
    ROW("MAIL FROM:<a@b> BODY=BINARYMIME\r\n", "mail!parameter "),
    ROW("MAIL FROM:<a@b> SIZE=x\r\n", "mail!syntax "),
    ROW("MAIL FROM:<a@b> SIZE=\r\n", "mail!syntax "),
    ROW("MAIL FROM:<a@b> SIZE=99999999999999999999\r\n", "mail!syntax "),
    ROW("MAIL FROM:<a@b> SIZE=18446744073709551615\r\n",
	"mail<a@b>size=18446744073709551615 "),
    ROW("HELO\r\n", "helo!syntax "),
    ROW("EHLO \r\n", "ehlo!syntax "),
    ROW("DATA x\r\n", "data!syntax "),
    ROW("MAILFROM:<a@b>\r\n", "? "),
    ROW("\r\n", "? "),
    ROW("STARTTLS\r\n", "? ")};

static const struct row lines[] = {
    ROW("NOOP\nNOOP\r\n", "?!bare noop "), ROW("NOOP\rNOOP\r\n", "?!bare "),
    ROW("NOOP\r\r\n", "?!bare "), ROW("\nNOOP\r\n", "?!bare noop "),
    ROW("NO\0OP\r\n", "?!nul ")};

/* What somebody, somewhere, takes for the end of the text: one message for
 * us, and a marked one. */
static const struct row smuggling[] = {
    ROW("DATA\r\na\n.\nMAIL\r\n.\r\nQUIT\r\n", "BARE quit "),
    ROW("DATA\r\na\n.\r\nMAIL\r\n.\r\nQUIT\r\n", "BARE quit "),
    ROW("DATA\r\na\r\n.\nMAIL\r\n.\r\nQUIT\r\n", "BARE quit "),
    ROW("DATA\r\na\r.\rMAIL\r\n.\r\nQUIT\r\n", "BARE quit "),
    ROW("DATA\r\na\r.\r\nMAIL\r\n.\r\nQUIT\r\n", "BARE quit "),
    ROW("DATA\r\na\r\n.\rMAIL\r\n.\r\nQUIT\r\n", "BARE quit "),
    ROW("DATA\r\n\n.\r\nMAIL\r\n.\r\nQUIT\r\n", "BARE quit "),
    ROW("DATA\r\n.\nMAIL\r\n.\r\nQUIT\r\n", "BARE quit "),
    ROW("DATA\r\n.\rMAIL\r\n.\r\nQUIT\r\n", "BARE quit "),
    ROW("DATA\r\na\r\r\n.\r\nQUIT\r\n", "BARE quit "),
    ROW("DATA\r\na\r\n.\r\r\n.\r\nQUIT\r\n", "BARE quit "),
    ROW("DATA\r\na\r\n\0.\r\nMAIL\r\n.\r\nQUIT\r\n", "MAIL\n) quit ")};

static bool
ends(const struct row *row)
{
	struct buf story = {0};
	struct slice want = slice_text(row->told);
	bool good = true;
	size_t piece;

	for (piece = 1; piece <= row->len && good; piece++) {
		struct slice s;

		run(row->wire, row->len, piece, &story);
		s = buf_slice(&story);
		good = s.len >= want.len &&
		       slice_eq(slice_from(s, s.len - want.len), want) &&
		       slice_find(s, '<') == s.len; /* no MAIL command */
	}
	buf_free(&story);
	return good;
}

static void
test_bytes(void)
{
	struct buf story = {0};
	static const char told[] = "data text(a\0b\xff\nc\n.\n..d\n) rset ";
	bool good = true;
	size_t piece;

	for (piece = 1; piece <= sessions[2].len; piece++) {
		run(sessions[2].wire, sessions[2].len, piece, &story);
		good = good && slice_eq(buf_slice(&story),
					slice_of(told, sizeof told - 1));
	}
	ok(good, "NUL and 8-bit bytes pass, dots are taken off, every cut");
	buf_free(&story);
}

static void
test_long_lines(void)
{
	static char wire[6000], story_want[] = "?!long noop ";
	struct buf story = {0};
	size_t n, piece;
	bool good = true;

	for (n = SMTPD_LINE_MAX - 3; n < SMTPD_LINE_MAX + 3; n++)
		for (piece = 1; piece < 5000; piece += 601) {
			bool fits = n + 7 <= SMTPD_LINE_MAX;

			memcpy(wire, "NOOP ", 5);
			memset(wire + 5, 'x', n);
			memcpy(wire + 5 + n, "\r\nNOOP\r\n", 8);
			run(wire, n + 13, piece, &story);
			good = good && slice_eq(buf_slice(&story),
						fits ? SLICE("noop noop ")
						     : slice_text(story_want));
		}
	ok(good, "a line that is too long is skipped as a whole");
	memset(wire, 'a', sizeof wire);
	memcpy(wire, "RCPT TO:<", 9);
	for (n = 899; n <= 902; n++) {
		memcpy(wire + 9 + n, ">\r\n", 3);
		wire[9 + n - 2] = '@'; /* the domain: a */
		run(wire, n + 12, 4096, &story);
		ok(slice_eq(buf_slice(&story), SLICE("rcpt!address ")) ==
		       (n > 900),
		   "an address of %zu bytes", n);
		memset(wire + 9, 'a', n + 3);
	}
	wire[10] = '@';
	for (n = 11; n < 500; n += 50)
		wire[n] = '.'; /* labels of 49 */
	for (n = ADDRESS_DOMAIN_MAX; n <= ADDRESS_DOMAIN_MAX + 1; n++) {
		wire[11] = 'a';
		memcpy(wire + 11 + n, ">\r\n", 3);
		run(wire, 11 + n + 3, 4096, &story);
		ok(slice_eq(buf_slice(&story), SLICE("rcpt!address ")) ==
		       (n > ADDRESS_DOMAIN_MAX),
		   "a domain of %zu bytes", n);
		memset(wire + 11 + n, 'a', 3);
	}
	buf_free(&story);
}

/* In memory of exactly this size, for the address sanitizer. */
static void
test_no_byte_more(void)
{
	size_t i, n;

	for (i = 0; i < sizeof paths / sizeof paths[0]; i++)
		for (n = 1; n < paths[i].len; n++) {
			struct smtpd_command c;
			char *line = malloc(n);

			memcpy(line, paths[i].wire, n);
			command_parse(&c, line, n);
			free(line);
		}
	ok(true, "every prefix of a command, and no byte behind it");
}

int
main(void)
{
	size_t i;

	run_table("session", sessions, 2);
	run_table("path", paths, sizeof paths / sizeof paths[0]);
	run_table("line", lines, sizeof lines / sizeof lines[0]);
	for (i = 0; i < sizeof smuggling / sizeof smuggling[0]; i++)
		ok(ends(&smuggling[i]), "smuggling %zu, every cut", i);
	test_bytes();
	test_long_lines();
	test_no_byte_more();
	return tap_done();
}
