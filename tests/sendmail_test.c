/* sendmail_test.c - the smaller machines of the sendmail command: options,
 * envelope, added fields, package, the hub's answer */
#include "qmqpc/answer.h"
#include "qmqpc/envelope.h"
#include "qmqpc/fields.h"
#include "qmqpc/header.h"
#include "qmqpc/options.h"
#include "qmqpc/package.h"
#include "qmqpc/who.h"

#include "lib/limits.h"
#include "lib/netstring.h"
#include "tests/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool
is(const struct buf *b, const char *text)
{
	return slice_eq(buf_slice(b), slice_text(text));
}

/* options: how programs call us, and what we make of it */

static const struct {
	const char *line, *told;
} calls[] = {
    {"sendmail -t -i", "t i"},
    {"/usr/sbin/sendmail -ti", "t i"},
    {"sendmail -FCronDaemon -i -B8BITMIME -oem root", "i F=CronDaemon | root"},
    {"sendmail -oi -f a@b c@d e", "i f=a@b | c@d e"},
    {"sendmail -i -fa@b -- -c d", "i f=a@b | -c d"},
    {"sendmail -r a@b c", "f=a@b | c"},
    {"sendmail -t -fa -F N", "t f=a F=N"},
    {"sendmail -itf a b", "t i f=a | b"},
    {"sendmail -itv", "t i v"},
    {"sendmail -bm -odi -oi -t", "t i"},
    {"sendmail -o i -O DeliveryMode=b a", "i | a"},
    {"sendmail -om -oee -oi a", "i | a"},
    {"sendmail -N failure,delay -R hdrs -V id a", "| a"},
    {"sendmail -A m -C x -X y -L z -D w -M v a", "| a"},
    {"sendmail -d -d0.1 a", "| a"},
    {"sendmail -h 5 -p SMTP:x -e m a", "| a"},
    {"sendmail -v -n -m -s -x -U -G -E -J -Q -T -c a", "v | a"},
    {"sendmail a -", "64"},
    {"sendmail - a", "64"},
    {"sendmail -- - a", "| - a"},
    {"sendmail", ""},
    {"sendmail -bi", "aliases"},
    {"sendmail -I", "aliases"},
    {"/usr/bin/newaliases", "aliases"},
    {"sendmail --help", "help"},
    {"sendmail a -t", "64"},
    {"sendmail -y", "64"},
    {"sendmail -ty", "64"},
    {"sendmail --frob", "64"},
    {"sendmail -f", "64"},
    {"sendmail -tf", "64"},
    {"sendmail -b", "64"},
    {"sendmail -bz", "64"},
    {"sendmail -bd", "64"},
    {"sendmail -bD", "64"},
    {"sendmail -bs", "smtp"},
    {"sendmail -bp", "mailq"},
    {"sendmail -b p", "mailq"},
    {"sendmail -bt", "69"},
    {"sendmail -bv a", "69"},
    {"sendmail -q", "69"},
    {"sendmail -q15m", "69"},
    {"/usr/bin/mailq", "mailq"},
    {"/var/qmail/bin/qmail-queue", "queue"},
    {"qmqpc --drain", "drain"},
    {"sendmail --drain --watch /etc/quail", "drain watch dir=/etc/quail"},
    {"qmqpc --watch d", "drain watch dir=d"},
    {"qmqpc --drain a b", "64"},
    {"qmqpc --drain -t", "64"},
    {"sendmail -t --drain", "64"},
    {"sendmail -i a --drain", "64"},
};

static void
tell_options(struct buf *told, const struct options *o)
{
	static const char *const modes[] = {
	    [OPTIONS_SEND] = "",       [OPTIONS_ALIASES] = " aliases",
	    [OPTIONS_HELP] = " help",  [OPTIONS_MAILQ] = " mailq",
	    [OPTIONS_SMTP] = " smtp",  [OPTIONS_QUEUE] = " queue",
	    [OPTIONS_DRAIN] = " drain"};
	size_t i;

	buf_text(told, modes[o->mode]);
	if (o->is_watch)
		buf_text(told, " watch");
	if (o->dir) {
		buf_text(told, " dir=");
		buf_text(told, o->dir);
	}
	if (o->from_header)
		buf_text(told, " t");
	if (o->dots_are_text)
		buf_text(told, " i");
	if (o->is_verbose)
		buf_text(told, " v");
	if (o->sender) {
		buf_text(told, " f=");
		buf_text(told, o->sender);
	}
	if (o->name) {
		buf_text(told, " F=");
		buf_text(told, o->name);
	}
	if (o->n_rcpts > 0 && o->mode == OPTIONS_SEND)
		buf_text(told, " |");
	for (i = 0; i < o->n_rcpts && o->mode == OPTIONS_SEND; i++) {
		buf_putc(told, ' ');
		buf_text(told, o->rcpts[i]);
	}
}

static void
test_options(void)
{
	struct buf told = {0}, why = {0};
	struct options o;
	char line[256], *argv[32];
	int argc, code;
	size_t i;

	for (i = 0; i < sizeof calls / sizeof *calls; i++) {
		snprintf(line, sizeof line, "%s", calls[i].line);
		argc = 0;
		for (argv[0] = strtok(line, " "); argv[argc];)
			argv[++argc] = strtok(NULL, " ");
		buf_clear(&told);
		buf_clear(&why);
		code = options_parse(&o, argc, argv, &why);
		buf_putc(&told, ' ');
		if (code)
			buf_number(&told, (uint64_t)code);
		else
			buf_clear(&told), tell_options(&told, &o);
		ok(slice_eq(slice_trim(buf_slice(&told)),
			    slice_text(calls[i].told)) &&
		       (code != 0) == (why.len > 0),
		   "%s: %.*s", calls[i].line, (int)told.len,
		   buf_slice(&told).at);
	}
	argv[0] = NULL;
	ok(options_parse(&o, 0, argv, &why) == 0 && o.n_rcpts == 0,
	   "no argument at all");
	buf_free(&told);
	buf_free(&why);
}

/* envelope */

static const struct {
	const char *argument, *rcpts, *sender; /* NULL: refused */
} arguments[] = {
    {"a@b.test", "8:a@b.test,", "a@b.test"},
    {"root", "7:root@me,", "root@me"},
    {" root ", "7:root@me,", "root@me"},
    {"l-@h-@[]", "8:l-@h-@[],", "l-@h-@[]"},
    {"#@[]", "4:#@[],", "#@[]"},
    {"a@[192.0.2.1]", "13:a@[192.0.2.1],", "a@[192.0.2.1]"},
    {"x|`y`$z@b", "9:x|`y`$z@b,", "x|`y`$z@b"},
    {"a@b,c", "3:a@b,4:c@me,", NULL},
    {"Joe <j@b>", "3:j@b,", "j@b"},
    {"Joe <j@b>, a, a, <j@b>", "3:j@b,4:a@me,", NULL},
    {"\"a b\"@c", "5:a b@c,", "a b@c"},
    {"", NULL, ""},
    {"<>", NULL, ""},
    {" <> ", NULL, ""},
    {"()", NULL, NULL},
    {",", NULL, NULL},
    {"a@", NULL, NULL},
    {"@b", NULL, NULL},
    {"a b", NULL, NULL},
    {"a@b\nBcc: c@d", NULL, NULL},
    {"a@b\n", "3:a@b,", "a@b"},
    {"a,\n b", NULL, NULL},
    {"a\x01@b", NULL, NULL},
    {"-X/tmp/x", "11:-X/tmp/x@me,", "-X/tmp/x@me"},
};

static void
test_envelope(void)
{
	struct buf sender = {0};
	char text[ADDRESS_MAX + 2];
	size_t i;

	for (i = 0; i < sizeof arguments / sizeof *arguments; i++) {
		struct slice a = slice_text(arguments[i].argument);
		const char *r = arguments[i].rcpts, *s = arguments[i].sender;
		struct rcpts rcpts = {0};
		int code = envelope_rcpts(&rcpts, a, SLICE("me"));

		ok(r ? code == 0 && is(&rcpts.wire, r) : code == -1,
		   "argument %zu as recipients", i);
		rcpts_free(&rcpts);
		buf_clear(&sender);
		code = envelope_sender(&sender, a, SLICE("me"));
		ok(s ? code == 0 && is(&sender, s) : code == -1,
		   "and as sender");
	}
	memset(text, 'x', sizeof text);
	buf_clear(&sender);
	ok(envelope_sender(&sender, slice_of(text, ADDRESS_MAX - 3),
			   SLICE("me")) == 0 &&
	       sender.len == ADDRESS_MAX,
	   "the longest name");
	buf_clear(&sender);
	ok(envelope_sender(&sender, slice_of(text, ADDRESS_MAX - 2),
			   SLICE("me")) == -1,
	   "one byte more");
	buf_clear(&sender);
	text[1] = '@'; /* and a label that is too long */
	ok(envelope_sender(&sender, slice_of(text, 2 + 63), SLICE("me")) == 0 &&
	       envelope_sender(&sender, slice_of(text, 2 + 64), SLICE("me")) ==
		   -1,
	   "a label of 63 bytes, and of 64");
	buf_free(&sender);
}

static void
test_rcpts(void)
{
	struct rcpts r = {0};
	char name[32];
	unsigned i;
	int len;

	for (i = 0; i < 2 * LIMIT_RCPTS; i++) {
		len = snprintf(name, sizeof name, "r%u", i % LIMIT_RCPTS);
		rcpts_add(&r, slice_of(name, (size_t)len));
	}
	ok(r.n == LIMIT_RCPTS && !r.is_full, "each once");
	rcpts_add(&r, SLICE("one more"));
	ok(r.n == LIMIT_RCPTS && r.is_full, "and no more than so many");
	rcpts_free(&r);
}

static const struct {
	const char *name, *gecos, *user, *told;
} people[] = {
    {"joe", "Joe Doe,room 1,,", "joe", "Joe Doe"},
    {"joe", "& D.", "joe", "Joe D."},
    {"www-data", "", "www-data", ""},
    {"j.d_1+x$", "x", "j.d_1+x$", "x"},
    {"joe\nBcc: x", "x", "uid7", "x"},
    {"joe doe", "x", "uid7", "x"},
    {"-joe", "x", "uid7", "x"},
    {"", "x", "uid7", "x"},
    {"j@d", "a\nBcc: b", "uid7", "a\nBcc: b"},
    {NULL, "&", "uid7", "Uid7"},
};

static void
test_who(void)
{
	struct buf user = {0}, name = {0};
	size_t i;

	for (i = 0; i < sizeof people / sizeof *people; i++) {
		buf_clear(&user);
		buf_clear(&name);
		who_user(&user, people[i].name, 7);
		who_name(&name, people[i].gecos, buf_slice(&user));
		ok(is(&user, people[i].user) && is(&name, people[i].told),
		   "user %zu", i);
	}
	buf_free(&user);
	buf_free(&name);
}

/* fields */

static const struct {
	const char *name, *told;
} names[] = {
    {"Joe Doe", "\"Joe Doe\""},
    {"a \"b\" \\ c", "\"a \\\"b\\\" \\\\ c\""},
    {"a\nBcc: b\r\x7f", "\"a?Bcc: b??\""},
    {"a\xff", "\"a?\""},
    {"a\xc0\xaf", "\"a??\""},
    {"a\xc3", "\"a?\""},
    {"\xc3\xbc\n", "=?UTF-8?B?w7w/?="},
    {"\xc3\xbc", "=?UTF-8?B?w7w=?="},
    {"\xe2\x82\xac", "=?UTF-8?B?4oKs?="},
    {"x\xf0\x9f\x98\x80", "=?UTF-8?B?ePCfmIA=?="},
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\xc3\xbc",
     "=?UTF-8?B?eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
     "eHg=?=\n =?UTF-8?B?w7w=?="},
};

static void
test_names(void)
{
	struct buf out = {0}, in = {0};
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++) {
		buf_clear(&out);
		fields_phrase(&out, slice_text(names[i].name));
		ok(is(&out, names[i].told), "name %zu", i);
	}
	buf_clear(&out);
	fields_phrase(&out, slice_of("\xc3\xbc", 1));
	ok(is(&out, "\"?\""), "half a character");
	buf_clear(&out);
	fields_phrase(&out, SLICE("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
				  "\xc3\xbc"));
	ok(out.len == 10 + 60 + 2, "45 bytes are one word");
	for (i = 0; i < 400; i++)
		buf_text(&in, "\xc3\xbc");
	buf_putc(&in, 'x');
	for (i = 0; i < 2; i++) {
		buf_clear(&out);
		fields_phrase(&out, slice_from(buf_slice(&in), 2 * i));
		ok(out.len < 2 * FIELDS_NAME_MAX &&
		       memmem(buf_slice(&out).at, out.len, "=?UTF-8", 7),
		   "a long name is cut between its characters");
	}
	buf_free(&out);
	buf_free(&in);
}

static const struct {
	unsigned seen;
	const char *told;
} missing[] = {
    {0, "D M F "},
    {HEADER_DATE, "M F "},
    {HEADER_FROM | HEADER_MESSAGE_ID, "D "},
    {HEADER_DATE | HEADER_FROM | HEADER_MESSAGE_ID, ""},
    {HEADER_RESENT, "RD RM RF D M F "},
    {HEADER_RESENT | HEADER_DATE | HEADER_RESENT_DATE, "RM RF M F "},
    {HEADER_RESENT | HEADER_RESENT_FROM | HEADER_RESENT_MESSAGE_ID |
	 HEADER_DATE | HEADER_FROM | HEADER_MESSAGE_ID,
     "RD "},
};

static void
test_missing(void)
{
	struct fields f = {.address = SLICE("j d@x"),
			   .name = SLICE("J"),
			   .me = SLICE("me.test"),
			   .now_s = 1795293611,
			   .random = {0x0f, 0xff}};
	struct buf out = {0}, told = {0};
	struct slice rest;
	size_t i, n;

	for (i = 0; i < sizeof missing / sizeof *missing; i++) {
		buf_clear(&out);
		buf_clear(&told);
		fields_missing(&out, missing[i].seen, &f);
		for (rest = buf_slice(&out); rest.len > 0;
		     rest = slice_from(rest, n)) {
			n = slice_find(rest, '\n') + 1;
			if (slice_starts(rest, SLICE("Resent-"))) {
				buf_putc(&told, 'R');
				buf_putc(&told, rest.at[7]);
			} else {
				buf_putc(&told, rest.at[0]);
			}
			buf_putc(&told, ' ');
		}
		ok(is(&told, missing[i].told), "missing %zu", i);
	}
	buf_clear(&out);
	fields_missing(&out, 0, &f);
	ok(is(&out, "Date: Sat, 21 Nov 2026 20:40:11 +0000\n"
		    "Message-ID: <0fff0000000000000000000000000000@me.test>\n"
		    "From: \"J\" <\"j d\"@x>\n"),
	   "their bytes");
	buf_free(&out);
	buf_free(&told);
}

/* package */

/* All of it, as its pieces give it from each of some offsets. */
static bool
gives(struct package *p, struct slice want, unsigned *n_pieces)
{
	struct slice piece;
	uint64_t at, start;

	if (p->size != want.len)
		return false;
	for (start = 0; start < want.len; start = start * 2 + 7)
		for (at = start, *n_pieces = 0; at < want.len;
		     at += piece.len) {
			++*n_pieces;
			if (package_piece(p, at, &piece) != 0 ||
			    piece.len == 0 || piece.len > want.len - at ||
			    memcmp(piece.at, want.at + at, piece.len) != 0)
				return false;
		}
	return true;
}

static void
test_package(void)
{
	static const size_t sizes[] = {0,
				       1,
				       9,
				       10,
				       100,
				       PACKAGE_MEMORY - 1,
				       PACKAGE_MEMORY,
				       PACKAGE_MEMORY + 1,
				       3 * PACKAGE_MEMORY + 17};
	static char text[3 * PACKAGE_MEMORY + 17];
	struct package p = {0};
	unsigned n_pieces;
	size_t i, k, n;

	package_text(&p, SLICE("te"));
	package_text(&p, SLICE("xt\n"));
	package_seal(&p, SLICE("a@b.test"), SLICE("8:c@d.test,8:e@f.test,"));
	ok(gives(&p, SLICE("41:5:text\n,8:a@b.test,8:c@d.test,8:e@f.test,,"),
		 &n_pieces),
	   "the example of package.h");
	package_free(&p);
	for (i = 0; i < sizeof text; i++)
		text[i] = (char)(i * 7 + i / 251);
	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct buf inner = {0}, want = {0};

		netstring_put(&inner, slice_of(text, sizes[i]));
		buf_text(&inner, "0:,1:a,1:b,");
		netstring_put(&want, buf_slice(&inner));
		for (k = 0; k < sizes[i]; k += n) {
			n = sizes[i] - k < 60000 ? sizes[i] - k : 60000;
			package_text(&p, slice_of(text + k, n));
		}
		package_seal(&p, SLICE(""), SLICE("1:a,1:b,"));
		ok(gives(&p, buf_slice(&want), &n_pieces), "%zu bytes of text",
		   sizes[i]);
		package_free(&p);
		buf_free(&inner);
		buf_free(&want);
	}
}

/* The first write of a small package is all of it. */
static void
test_one_piece(void)
{
	struct package p = {0};
	struct slice piece;

	package_text(&p, SLICE("x"));
	package_seal(&p, SLICE(""), SLICE("1:a,1:b,"));
	ok(package_piece(&p, 0, &piece) == 0 && piece.len == p.size,
	   "a small package is one piece");
	package_free(&p);
}

/* replies */

static const struct {
	const char *wire, *told;
} replies[] = {
    {"21:Kok 1795293611 id 693,", "Kok 1795293611 id 693"},
    {"1:Z,", "Z"},
    {"3:Dno,", "Dno"},
    {"4:K\n\x1b,,", "K ?,"},
    {"0:,", "!"},
    {"0:K,", "!"},
    {":,", "!"},
    {"2:ok,", "!"},
    {"2:Ko;", "!"},
    {"02:Ko,", "!"},
    {"+2:Ko,", "!"},
    {"2:Ko,x", "!"},
    {"Kok", "!"},
    {"99999999999:K", "!"},
    {"65537:K", "!"},
    {"2:K", ""},
    {"", ""},
};

static void
test_replies(void)
{
	struct verdict v;
	char got[VERDICT_TEXT_MAX + 2];
	size_t i, k;

	for (i = 0; i < sizeof replies / sizeof *replies; i++) {
		struct answer r = {0};
		enum answer_result e = ANSWER_MORE;

		*got = 0;
		for (k = 0; replies[i].wire[k]; k++) {
			e = answer_push(&r, (uint8_t)replies[i].wire[k]);
			if (e == ANSWER_BAD)
				strcpy(got, "!");
			if (e != ANSWER_DONE)
				continue;
			answer_verdict(&r, &v);
			snprintf(got, sizeof got, "%c%.*s", v.code, (int)v.len,
				 v.text);
		}
		ok(strcmp(got, replies[i].told) == 0, "reply %zu", i);
	}
}

static void
test_long_reply(void)
{
	struct answer r = {0};
	struct verdict v;
	enum answer_result e = ANSWER_MORE;
	const char *p;
	size_t i;

	for (p = "65536:"; *p; p++)
		e = answer_push(&r, (uint8_t)*p);
	for (i = 0; i < ANSWER_MAX && e == ANSWER_MORE; i++)
		e = answer_push(&r, 'Z');
	ok(e == ANSWER_MORE && answer_push(&r, ',') == ANSWER_DONE, "64 KiB");
	answer_verdict(&r, &v);
	ok(v.code == 'Z' && v.len == VERDICT_TEXT_MAX, "cut");
}

int
main(void)
{
	test_options();
	test_envelope();
	test_rcpts();
	test_who();
	test_names();
	test_missing();
	test_package();
	test_one_piece();
	test_replies();
	test_long_reply();
	return tap_done();
}
