/* bounce_test - what a bounce says, and to whom
 *
 * With an argument: writes samples into that directory, for tests/bounce.t
 * to have them judged by another's parser. */
#include "cdb/config.h"
#include "lib/netstring.h"
#include "queue/bounce.h"
#include "tests/tables.h"

#include <time.h>

static const struct bounce_names names = {.me = {"hub.test", 8},
					  .from = {"MAILER-DAEMON", 13},
					  .from_host = {"hub.test", 8},
					  .postmaster = {"postmaster", 10},
					  .postmaster_host = {"hub.test", 8}};

static struct buf story;

static bool
told(const char *want)
{
	bool same = slice_eq(buf_slice(&story), slice_text(want));

	if (!same)
		fprintf(stderr, "# told: %.*s\n# want: %s\n", (int)story.len,
			buf_slice(&story).at, want);
	buf_clear(&story);
	return same;
}

/* A message whose recipients fail, and its bounce. */
struct sample {
	struct message m;
	struct store_envelope e;
	struct buf rcpts, text, out;
};

static void
sample_rcpt(struct sample *s, struct slice rcpt)
{
	netstring_put(&s->rcpts, rcpt);
	s->m.n_rcpts++;
}

static void
sample_fail(struct sample *s, uint32_t index, struct slice text)
{
	struct verdict v;

	verdict_set(&v, 'D', text);
	failures_add(&s->m, index, &v);
}

static void
sample_write(struct sample *s)
{
	struct bounce b = {.message = &s->m,
			   .envelope = &s->e,
			   .names = &names,
			   .to = s->e.sender,
			   .id = 0x69300001000000a1,
			   .random = 0x0123456789abcdef,
			   .now_s = 1795293611};

	s->m.birth_us = 1795293600000000;
	s->m.text_len = (uint32_t)s->text.len;
	s->e.rcpts = buf_slice(&s->rcpts);
	b.copy = slice_of(buf_slice(&s->text).at, s->text.len < BOUNCE_COPY_MAX
						      ? s->text.len
						      : BOUNCE_COPY_MAX);
	bounce_text(&s->out, &b);
}

static void
sample_free(struct sample *s)
{
	failures_free(&s->m);
	buf_free(&s->rcpts);
	buf_free(&s->text);
	buf_free(&s->out);
}

/* A strict reader of QSBMF: paragraphs between empty lines; the first says
 * hello, then one for each recipient, "<ADDRESS>:" and lines of text; then
 * one that begins with '-'. Tells "<ADDRESS> TEXT|" for each, then "-". */

static struct slice
next_line(struct slice *rest)
{
	size_t len = slice_find(*rest, '\n');
	struct slice line = slice_of(rest->at, len);

	*rest = slice_from(*rest, len < rest->len ? len + 1 : len);
	return line;
}

static struct slice
next_paragraph(struct slice *rest)
{
	const char *begin = rest->at;
	struct slice line;
	size_t len = 0;

	while (rest->len > 0 && (line = next_line(rest)).len > 0)
		len = (size_t)(line.at + line.len - begin);
	return slice_of(begin, len);
}

static void
tell_qsbmf(struct slice body)
{
	struct slice p = next_paragraph(&body), line;

	if (!slice_starts(p, SLICE("Hi. This is the "))) {
		buf_text(&story, "no hello");
		return;
	}
	while ((p = next_paragraph(&body)).len > 0 && p.at[0] == '<') {
		line = next_line(&p);
		if (line.len < 3 ||
		    !slice_eq(slice_from(line, line.len - 2), SLICE(">:"))) {
			buf_text(&story, "no address");
			return;
		}
		buf_puts(&story, slice_of(line.at, line.len - 1));
		while (p.len > 0) {
			buf_putc(&story, ' ');
			buf_puts(&story, next_line(&p));
		}
		buf_putc(&story, '|');
	}
	buf_text(&story, p.len > 0 && p.at[0] == '-' ? "-" : "no break");
	if (slice_trim(body).len > 0)
		buf_text(&story, " and more");
}

/* The n-th part of a multipart (from 1; 0: the header), cut at lines that
 * begin with its boundary; empty behind the last. */
static struct slice
part(const struct sample *s, unsigned n)
{
	static const char mark[] = "\n--quail-0123456789abcdef";
	struct slice rest = buf_slice(&s->out);
	const char *end;

	for (;;) {
		end = memmem(rest.at, rest.len, mark, sizeof mark - 1);
		if (!end)
			return SLICE("");
		if (n-- == 0)
			return slice_of(rest.at, (size_t)(end - rest.at));
		rest =
		    slice_from(rest, (size_t)(end - rest.at) + sizeof mark - 1);
	}
}

/* Behind a part's own header. */
static struct slice
part_body(const struct sample *s, unsigned n)
{
	struct slice p = part(s, n);
	const char *empty = memmem(p.at, p.len, "\n\n", 2);

	return empty ? slice_from(p, (size_t)(empty - p.at) + 2) : SLICE("");
}

static bool
holds(struct slice s, const char *text)
{
	bool found = memmem(s.at, s.len, text, strlen(text)) != NULL;

	if (!found)
		fprintf(stderr, "# lacks: %s\n# in: %.*s\n", text,
			(int)(s.len < 2000 ? s.len : 2000), s.at);
	return found;
}

static void
two_failed(struct sample *s)
{
	*s = (struct sample){.e.sender = SLICE("a@b.test")};
	sample_rcpt(s, SLICE("one@c.test"));
	sample_rcpt(s, SLICE("fine@c.test"));
	sample_rcpt(s, SLICE("two@d.test"));
	sample_fail(s, 2, SLICE("550 5.1.1 not here"));
	sample_fail(s, 0, SLICE("no such user (#5.1.6)"));
	buf_text(&s->text, "Subject: hello\nTo: x@y\n\nbody\n");
	sample_write(s);
}

static void
test_two(void)
{
	struct sample s;

	two_failed(&s);
	tell_qsbmf(part_body(&s, 1));
	ok(told("<two@d.test> 550 5.1.1 not here|<one@c.test> no such user "
		"(#5.1.6)|-"),
	   "two of three failed: one bounce, as QSBMF");
	ok(holds(part(&s, 0), "From: MAILER-DAEMON@hub.test\nTo: a@b.test\n"
			      "Subject: failure notice\n"
			      "Message-ID: <69300001000000a1@hub.test>\n"
			      "Auto-Submitted: auto-replied\n"
			      "MIME-Version: 1.0\n"
			      "Content-Type: multipart/report; "
			      "report-type=delivery-status;\n"
			      "  boundary=\"quail-0123456789abcdef\"\n"),
	   "its header");
	ok(slice_eq(part(&s, 2),
		    SLICE("\nContent-Type: message/delivery-status\n\n"
			  "Reporting-MTA: dns; hub.test\n"
			  "Arrival-Date: Sat, 21 Nov 2026 20:40:00 +0000\n"
			  "\nFinal-Recipient: rfc822; two@d.test\n"
			  "Action: failed\nStatus: 5.1.1\n"
			  "Diagnostic-Code: X-Quail; 550 5.1.1 not here\n"
			  "\nFinal-Recipient: rfc822; one@c.test\n"
			  "Action: failed\nStatus: 5.1.6\n"
			  "Diagnostic-Code: X-Quail; no such user (#5.1.6)\n")),
	   "the part for machines");
	ok(slice_eq(part(&s, 3), SLICE("\nContent-Type: message/rfc822\n\n"
				       "Return-Path: <a@b.test>\n"
				       "Subject: hello\nTo: x@y\n\nbody\n")),
	   "the message");
	sample_free(&s);
}

/* hostile */

static void
test_hostile(void)
{
	struct sample s = {.e.sender = SLICE("a@b.test")};
	struct buf huge = {0};
	size_t i;

	for (i = 0; i < 1000000; i++)
		buf_putc(&huge, "x\n\n<y@z>:\n-"[i % 12]);
	sample_rcpt(&s, SLICE("<x>:\x1b[2J\"@c.test"));
	sample_rcpt(&s, SLICE("b@c.test"));
	sample_rcpt(&s, SLICE("c@c.test"));
	sample_rcpt(&s, SLICE("d@c.test"));
	sample_fail(&s, 0, SLICE("550 a\r\n\r\n<evil@x>:\n\nb\n--\nquail"));
	sample_fail(&s, 1, slice_of("nul\0 esc\x1b[31m \x9b \x7f end", 21));
	sample_fail(&s, 2, buf_slice(&huge));
	sample_fail(&s, 3, SLICE(""));
	buf_text(&s.text, "X: y\n\n--quail-69300001000000a1--\n"
			  "--quail-69300001000000a1\n\nlast line without LF");
	sample_write(&s);
	tell_qsbmf(part_body(&s, 1));
	ok(holds(buf_slice(&story),
		 "<<x>:?[2J\"@c.test> 550 a <evil@x>: b -- quail|"
		 "<b@c.test> nul? esc?[31m ? ? end|<c@c.test> x "),
	   "lines, NUL, escapes, paragraphs of their own: all in one line");
	for (i = 0; i < story.len; i++)
		if ((unsigned char)buf_slice(&story).at[i] < ' ' ||
		    (unsigned char)buf_slice(&story).at[i] > '~')
			break;
	ok(i == story.len, "nothing but printable ASCII");
	ok(story.len > 400 && story.len < 900 &&
	       memmem(buf_slice(&story).at, story.len, "|-", 2),
	   "1 MB of remote text is cut");
	buf_clear(&story);
	ok(part(&s, 4).len == 0 && part(&s, 3).len > 60 &&
	       holds(part(&s, 3), "last line without LF"),
	   "boundaries that the message foresaw are none");
	ok(part(&s, 1).len < 4000 && part(&s, 2).len < 4000, "short parts");
	buf_free(&huge);
	sample_free(&s);
}

static void
test_eight_bit(void)
{
	struct sample s = {.e.sender = SLICE("a@b.test")};

	sample_rcpt(&s, SLICE("b@c.test"));
	sample_fail(&s, 0, SLICE("no (#5.1.1)"));
	buf_put(&s.text, "S: \xe4\n\n\0\r\xff\n", 10);
	sample_write(&s);
	ok(holds(part(&s, 0), "\nContent-Transfer-Encoding: 8bit\n") &&
	       holds(part(&s, 3), "\nContent-Transfer-Encoding: 8bit\n"),
	   "8-bit mail is said to be so");
	ok(memmem(part(&s, 3).at, part(&s, 3).len, "S: \xe4\n\n\0\r\xff\n",
		  10) != NULL,
	   "8-bit, NUL and bare CR come back as they were");
	sample_free(&s);
}

static void
test_large(void)
{
	static const struct {
		const char *head;
		size_t fill; /* bytes of "x\n" lines behind it */
		const char *copy;
		const char *what;
	} cases[] = {
	    {"A: b\n\n", 70000, "A: b\n", "large: its header only"},
	    {"A: b\r\nC: d\r\n\r\n", 70000, "A: b\r\nC: d\r\n",
	     "large, with lines that end in CR and LF"},
	    {"A: b\r\n\n", 70000, "A: b\r\n", "large, with some of these"},
	    {"\r\n", 70000, "", "large, without a header, in such lines"},
	    {"\n", 70000, "", "large, without a header"},
	    {"", 0, "", "empty"},
	};
	size_t i, k;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sample s = {.e.sender = SLICE("a@b.test")};
		struct buf want = {0};

		sample_rcpt(&s, SLICE("b@c.test"));
		sample_fail(&s, 0, SLICE("no"));
		buf_text(&s.text, cases[i].head);
		for (k = 0; k < cases[i].fill; k += 2)
			buf_text(&s.text, "x\n");
		sample_write(&s);
		buf_text(&want, "\nContent-Type: ");
		buf_text(&want, cases[i].fill ? "text/rfc822-headers"
					      : "message/rfc822");
		buf_text(&want, "\n\nReturn-Path: <a@b.test>\n");
		buf_text(&want, cases[i].copy);
		ok(slice_eq(part(&s, 3), buf_slice(&want)), "%s",
		   cases[i].what);
		ok(holds(part(&s, 1),
			 cases[i].fill ? "message's header.\n" : "message.\n"),
		   "and it says so");
		buf_free(&want);
		sample_free(&s);
	}
}

static void
test_long_header(void)
{
	struct sample s = {.e.sender = SLICE("a@b.test")};
	struct slice copy;

	sample_rcpt(&s, SLICE("b@c.test"));
	sample_fail(&s, 0, SLICE("no"));
	while (s.text.len < 200000)
		buf_text(&s.text, "Received: from somewhere\n");
	buf_text(&s.text, "\nbody\n");
	sample_write(&s);
	copy = part_body(&s, 3);
	ok(copy.len > 65000 && copy.len < 66000 &&
	       slice_eq(slice_from(copy, copy.len - 10), SLICE("somewhere\n")),
	   "a header longer than we copy is cut at a line's end");
	sample_free(&s);
}

static void
test_ten_thousand(void)
{
	struct sample s = {.e.sender = SLICE("a@b.test")};
	struct slice p;
	clock_t begun;
	uint32_t i, n = 0;
	char name[32];

	for (i = 0; i < 10000; i++) {
		snprintf(name, sizeof name, "r%u@c.test", i);
		sample_rcpt(&s, slice_text(name));
	}
	begun = clock();
	for (i = 10000; i-- > 0;)
		sample_fail(&s, i, SLICE("no (#5.1.1)"));
	for (i = 0; i < 20000; i++)
		n += failures_have(&s.m, i);
	ok(n == 10000, "it is known who has failed");
	sample_write(&s);
	printf("# 10,000 failures: %.1f ms\n",
	       (double)(clock() - begun) * 1000 / CLOCKS_PER_SEC);
	tell_qsbmf(part_body(&s, 1));
	p = buf_slice(&story);
	for (n = 0; p.len > 1; n++) {
		size_t end = slice_find(p, '|');

		snprintf(name, sizeof name, "<r%u@c.test> no", 9999 - n);
		if (!slice_starts(p, slice_text(name)))
			break;
		p = slice_from(p, end + 1);
	}
	ok(n == 10000 && slice_eq(p, SLICE("-")), "all of them are named");
	buf_clear(&story);
	sample_free(&s);
}

/* where it goes */

static void
test_address(void)
{
	static const struct {
		const char *sender, *to, *from;
	} cases[] = {
	    {"a@b.test", "a@b.test", ""},
	    {"list-@host.test-@[]", "list-@host.test", ""},
	    {"-@[]", "-@[]", ""},
	    {"a@b.test-@[", "a@b.test-@[", ""},
	    {"", "postmaster@hub.test", "#@[]"},
	    {"#@[]", NULL, NULL},
	};
	struct buf to = {0};
	struct slice from;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool goes = bounce_address(slice_text(cases[i].sender), &names,
					   &to, &from);

		ok(goes == (cases[i].to != NULL) &&
		       (!goes ||
			(slice_eq(buf_slice(&to), slice_text(cases[i].to)) &&
			 slice_eq(from, slice_text(cases[i].from)))),
		   "<%s> bounces to %s", cases[i].sender,
		   goes ? cases[i].to : "nobody");
		buf_clear(&to);
	}
	buf_free(&to);
}

static void
tell_names(void)
{
	struct buf why = {0};
	struct bounce_names n;
	struct config c;

	if (config_open(&c, "config.cdb", &why) != 0)
		return;
	bounce_names(&c, &n);
	buf_puts(&story, n.from);
	buf_putc(&story, '@');
	buf_puts(&story, n.from_host);
	buf_putc(&story, ' ');
	buf_puts(&story, n.postmaster);
	buf_putc(&story, '@');
	buf_puts(&story, n.postmaster_host);
	config_close(&c);
}

static void
test_names(void)
{
	tables_begin();
	table("me", "hub.test\n");
	says("without tables", BUILD_DONE, "", "");
	tell_names();
	ok(told("MAILER-DAEMON@hub.test postmaster@hub.test"), "defaults");
	table("bouncefrom", "Bounces # not a person\n");
	table("bouncehost", "example.org\n");
	table("doublebounceto", "dead+letters\n");
	table("doublebouncehost", "ops.example.org\n");
	says("with tables", BUILD_DONE, "", "");
	tell_names();
	ok(told("Bounces@example.org dead+letters@ops.example.org"),
	   "the four tables");
	table("bouncefrom", "a@b\n");
	table("doublebounceto", "\"x y\"\n");
	table("bouncehost", "a.example\nb.example\n");
	table("doublebouncehost", "-\n");
	says("wrong", BUILD_WRONG, "",
	     "bouncefrom:1:1: \"a@b\" is an address; write only what stands "
	     "before its '@'\n"
	     "bouncehost:2:1: \"b.example\" stands on line 1 already; keep one "
	     "of the two lines\n"
	     "doublebounceto:1:4: this line has more words than it may, "
	     "beginning with \"y\"\"; write LOCALPART\n"
	     "doublebouncehost:1:1: \"-\" is not a domain; write one such as "
	     "example.org\n");
	table("doublebounceto", "a..b\n");
	table("bouncefrom", ".a\n");
	table("bouncehost", "a.example\n");
	table("doublebouncehost", "a.example\n");
	says(
	    "dots", BUILD_WRONG, "",
	    "bouncefrom:1:1: \".a\" is not the local part of an address; write "
	    "one such as postmaster\n"
	    "doublebounceto:1:1: \"a..b\" is not the local part of an address; "
	    "write one such as postmaster\n");
	tables_end();
}

/* samples for others */

static void
write_sample(struct sample *s, const char *name)
{
	sample_write(s);
	write_file(name, buf_slice(&s->out).at, s->out.len);
	sample_free(s);
}

static int
write_samples(const char *dir)
{
	struct sample s = {.e.sender = SLICE("a@b.test")};
	uint32_t i;

	if (chdir(dir) != 0) {
		perror(dir);
		return 1;
	}
	two_failed(&s);
	buf_clear(&s.out);
	write_sample(&s, "two");
	s = (struct sample){.e.sender = SLICE("\"a b\"@b.test")};
	sample_rcpt(&s, SLICE("b\n\n@c.test"));
	sample_fail(&s, 0, slice_of("a\0\r\n\r\n--quail\x1b[2J", 18));
	for (i = 0; i < 4000; i++)
		buf_text(&s.text, "A: \xff\n--quail-0123\n");
	write_sample(&s, "hostile");
	s = (struct sample){.e.sender = SLICE("a@b.test")};
	for (i = 0; i < 1000; i++) {
		sample_rcpt(&s, SLICE("b@c.test"));
		sample_fail(&s, i, SLICE("no (#5.7.1)"));
	}
	buf_text(&s.text, "A: b\n\nlast");
	write_sample(&s, "many");
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return write_samples(argv[1]);
	test_two();
	test_hostile();
	test_eight_bit();
	test_large();
	test_long_header();
	test_ten_thousand();
	test_address();
	test_names();
	buf_free(&story);
	return tap_done();
}
