/* The client's machine: dialogues at every cut, wrong replies, and the
 * client against the server's machine in memory. */
#include "lib/buf.h"
#include "smtp-gateway/canon.h"
#include "smtp-gateway/smtpc.h"
#include "smtp-gateway/smtpd.h"

#include "tests/tap.h"

#include <stdlib.h>

static const struct slice two[] = {{"c@d.test", 8}, {"e f@g.test", 10}};

static const char *const names[] = {"more", "ready",  "rcpt",  "send",
				    "done", "failed", "broken"};

/* A scripted server: what it says, in one go or cut; '|' stands where it
 * waits for the client. What the client did is the story. */
struct dialogue {
	const char *server;
	const char *story;
	const char *sent; /* NULL: not looked at */
};

static void
tell(struct buf *story, const struct smtpc *c, enum smtpc_event e)
{
	buf_text(story, c->stray ? "stray" : names[e]);
	if (e == SMTPC_RCPT)
		buf_number(story, c->rcpt);
	if (e != SMTPC_READY) {
		buf_text(story, ":");
		buf_number(story, c->code);
	}
	buf_text(story, " ");
}

static void
play(const char *server, size_t piece, struct buf *story, struct buf *out)
{
	struct smtpc_mail mail = {.sender = SLICE("a@b.test"),
				  .rcpts = two,
				  .n_rcpts = 2,
				  .size = 5,
				  .has_8bit = true};
	size_t len = strlen(server), at, n;
	struct smtpc c;

	buf_clear(story);
	buf_clear(out);
	smtpc_init(&c, out, SLICE("me.test"));
	for (at = 0; at < len; at += n + (server[at + n] == '|')) {
		struct slice in = slice_text(server + at);
		enum smtpc_event e;

		n = slice_find(in, '|');
		n = n < piece ? n : piece;
		in.len = n;

		while ((e = smtpc_push(&c, &in)) != SMTPC_MORE) {
			tell(story, &c, e);
			if (e == SMTPC_READY)
				smtpc_mail(&c, &mail);
			if (e == SMTPC_SEND) {
				buf_text(out, "(text)");
				smtpc_text_end(&c);
			}
			if (e == SMTPC_DONE)
				smtpc_quit(&c);
		}
	}
}

#define HELLO "220 mx ESMTP\r\n|250-mx\r\n250-PIPELINING\r\n250 8bitmime\r\n|"
#define OLD   "220 mx\r\n|500 what?\r\n|250 mx\r\n|"
#define SENT_ALL                                                               \
	"EHLO me.test\r\nMAIL FROM:<a@b.test> BODY=8BITMIME\r\n"               \
	"RCPT TO:<c@d.test>\r\nRCPT TO:<\"e f\"@g.test>\r\nDATA\r\n"
#define SENT_OLD                                                               \
	"EHLO me.test\r\nHELO me.test\r\nMAIL FROM:<a@b.test>\r\n"             \
	"RCPT TO:<c@d.test>\r\nRCPT TO:<\"e f\"@g.test>\r\n"
#define TAKEN HELLO "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n|"
#define SENDS "ready rcpt0:250 rcpt1:250 send:354 "

static const struct dialogue dialogues[] = {
    {TAKEN "250 2.0.0 got it\r\n", SENDS "done:250 ",
     SENT_ALL "(text)QUIT\r\n"},
    {HELLO "250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n|452 full\r\n",
     "ready rcpt0:550 rcpt1:250 send:354 done:452 ", SENT_ALL "(text)QUIT\r\n"},
    {HELLO "250 ok\r\n550 no\r\n450 no\r\n503 no\r\n|250 ok\r\n",
     "ready rcpt0:550 rcpt1:450 failed:503 ready ", NULL},
    {HELLO "250 ok\r\n550 no\r\n450 no\r\n354 go\r\n|554 none\r\n|250 ok\r\n",
     "ready rcpt0:550 rcpt1:450 ready ", NULL},
    {HELLO "550 no\r\n503 no\r\n503 no\r\n503 no\r\n|250 ok\r\n",
     "ready failed:550 ready ", NULL},
    {HELLO "550 no\r\n250 ok\r\n250 ok\r\n354 go\r\n",
     "ready failed:550 stray:354 ", NULL},
    {HELLO "250 ok\r\n250 ok\r\n250 ok\r\n451 no\r\n|250 ok\r\n",
     "ready rcpt0:250 rcpt1:250 failed:451 ready ", NULL},
    {HELLO "250 ok\r\n421 bye\r\n", "ready broken:421 ", NULL},
    {TAKEN "421 bye\r\n", SENDS "broken:421 ", NULL},
    {TAKEN "354 go\r\n", SENDS "stray:354 ", NULL},
    {OLD "250 ok\r\n|250 ok\r\n|250 ok\r\n|354 go\r\n|250 got it\r\n",
     SENDS "done:250 ", SENT_OLD "DATA\r\n(text)QUIT\r\n"},
    {OLD "250 ok\r\n|550 no\r\n|551 no\r\n|250 ok\r\n",
     "ready rcpt0:550 rcpt1:551 ready ",
     SENT_OLD "RSET\r\n"
	      "MAIL FROM:<a@b.test>\r\n"},
    {OLD "550 no\r\n|250 ok\r\n", "ready failed:550 ready ", NULL},
    {"554 go away\r\n", "broken:554 ", ""},
    {"220 a\r\n|421 busy\r\n", "broken:421 ", NULL},
    {"220 a\r\n|451 busy\r\n", "broken:451 ", NULL},
    {"220 a\r\n|500 what\r\n|500 what\r\n", "broken:500 ", NULL},
    {"220-a\r\n220-b\r\n220 c\r\n|250-a\r\n250-SIZE 9\r\n250\r\n", "ready ",
     "EHLO me.test\r\nMAIL FROM:<a@b.test> SIZE=5\r\n"},
    {"220 a\r\n|250-PIPELINING\r\n250 b\r\n", "ready ",
     "EHLO me.test\r\nMAIL FROM:<a@b.test>\r\n"},
    {"220 a\r\n|500 what\r\n|250-a\r\n250 PIPELINING\r\n", "ready ",
     "EHLO me.test\r\nHELO me.test\r\nMAIL FROM:<a@b.test>\r\n"},
    {"220 a\n|250 b\n", "ready ", "EHLO me.test\r\nMAIL FROM:<a@b.test>\r\n"},
    /* replies in the wrong state */
    {HELLO "250 ok\r\n250 ok\r\n250 ok\r\n250 taken\r\n",
     "ready rcpt0:250 rcpt1:250 stray:250 ", SENT_ALL},
    {OLD "250 ok\r\n|250 ok\r\n|250 ok\r\n|250 taken\r\n",
     "ready rcpt0:250 rcpt1:250 stray:250 ", SENT_OLD "DATA\r\n"},
    {HELLO "354 go\r\n", "ready stray:354 ", NULL},
    {HELLO "250 ok\r\n354 go\r\n", "ready stray:354 ", NULL},
    /* each one line too many, so that the others shift */
    {HELLO "250 a\r\n250 b\r\n250 c\r\n550 d\r\n|354 go\r\n",
     "ready rcpt0:250 rcpt1:250 failed:550 stray:354 ", NULL},
    {HELLO "250 a\r\n550 b\r\n550 c\r\n250 d\r\n",
     "ready rcpt0:550 rcpt1:550 stray:250 ", NULL},
    {HELLO "550 a\r\n550 b\r\n550 c\r\n503 d\r\n|503 no\r\n",
     "ready failed:550 stray:503 ", NULL},
    {OLD "250 a\r\n|250 b\r\n|250 c\r\n|550 d\r\n|354 go\r\n",
     "ready rcpt0:250 rcpt1:250 failed:550 stray:354 ", NULL},
    /* a goodbye is no stray reply */
    {"220 a\r\n|421 go\r\n", "broken:421 ", NULL},
    /* what is no reply at all */
    {"+OK POP3\r\n", "broken:0 ", NULL},
    {"22 x\r\n", "broken:0 ", NULL},
    {"22: x\r\n", "broken:0 ", NULL},
    {"22/ x\r\n", "broken:0 ", NULL},
    {"2200 x\r\n", "broken:0 ", NULL},
    {"120 x\r\n", "broken:0 ", NULL},
    {"620 x\r\n", "broken:0 ", NULL},
    {"\r\n", "broken:0 ", NULL},
    {" 220 x\r\n", "broken:0 ", NULL},
    {"220-a\r\n221 b\r\n", "broken:0 ", NULL},
    {"HTTP/1.1 400\r\n", "broken:0 ", NULL}};

static bool
holds(const struct dialogue *d)
{
	struct buf story = {0}, out = {0};
	size_t piece, len = strlen(d->server);
	bool good = true;

	for (piece = 1; piece <= len && good; piece++) {
		play(d->server, piece, &story, &out);
		good = slice_eq(buf_slice(&story), slice_text(d->story)) &&
		       (!d->sent ||
			slice_eq(buf_slice(&out), slice_text(d->sent)));
	}
	if (!good)
		fprintf(stderr, "# told %.*s\n# sent %.*s\n", (int)story.len,
			buf_slice(&story).at, (int)out.len, buf_slice(&out).at);
	buf_free(&story);
	buf_free(&out);
	return good;
}

/* verdicts */

static const struct {
	const char *reply, *verdict;
} verdicts[] = {
    {"554 5.7.1 go away\r\n", "Dmx.test said: 554 5.7.1 go away (#5.7.1)"},
    {"554 go away\r\n", "Dmx.test said: 554 go away (#5.0.0)"},
    {"421 4.3.2 later\r\n", "Zmx.test said: 421 4.3.2 later (#4.3.2)"},
    {"421 5.3.2 odd\r\n", "Zmx.test said: 421 5.3.2 odd (#4.0.0)"},
    {"554-one\r\n554 two\x1b[2J\r\n",
     "Dmx.test said: 554 one two?[2J (#5.0.0)"},
    {"554-5.1.1 a\r\n554 5.1.1 b\r\n",
     "Dmx.test said: 554 5.1.1 a 5.1.1 b (#5.1.1)"},
    {"554 5.1\r\n", "Dmx.test said: 554 5.1 (#5.0.0)"},
    {"554\r\n", "Dmx.test said: 554 (#5.0.0)"},
    {"nonsense\r\n", "Zmx.test talks no SMTP (#4.5.0)"}};

static void
test_verdicts(void)
{
	struct buf out = {0};
	size_t i;

	for (i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
		struct slice in = slice_text(verdicts[i].reply);
		struct verdict v;
		struct smtpc c;

		smtpc_init(&c, &out, SLICE("me"));
		smtpc_push(&c, &in);
		smtpc_verdict(&c, SLICE("mx.test"), &v);
		ok(v.code == verdicts[i].verdict[0] &&
		       slice_eq(verdict_text(&v),
				slice_text(verdicts[i].verdict + 1)),
		   "%c%.*s", v.code, (int)v.len, v.text);
	}
	buf_free(&out);
}

/* A greeting of n lines. */
static enum smtpc_event
lines(size_t n)
{
	struct buf out = {0}, wire = {0};
	enum smtpc_event e;
	struct smtpc c;
	struct slice in;

	while (--n > 0)
		buf_text(&wire, "220-and so on\r\n");
	buf_text(&wire, "220 ok\r\n");
	in = buf_slice(&wire);
	smtpc_init(&c, &out, SLICE("me"));
	e = smtpc_push(&c, &in);
	buf_free(&out);
	buf_free(&wire);
	return e;
}

static void
test_long_replies(void)
{
	struct buf out = {0}, wire = {0};
	struct verdict v;
	struct smtpc c;
	struct slice in;
	size_t i;

	buf_text(&wire, "554 5.1.1 ");
	for (i = 0; i < 60000; i++)
		buf_putc(&wire, 'x');
	buf_text(&wire, "\r\n");
	in = buf_slice(&wire);
	smtpc_init(&c, &out, SLICE("me"));
	ok(smtpc_push(&c, &in) == SMTPC_BROKEN && c.code == 554,
	   "a line of 60,000 bytes is a reply");
	smtpc_verdict(&c, in, &v);
	ok(v.len < VERDICT_TEXT_MAX &&
	       !memcmp(v.text + v.len - 8, "(#5.1.1)", 8),
	   "and its verdict ends in the status code");
	buf_clear(&wire);
	buf_text(&wire, "220 ");
	while (wire.len < REPLY_MAX + 1)
		buf_putc(&wire, 'x');
	in = buf_slice(&wire);
	smtpc_init(&c, &out, SLICE("me"));
	ok(smtpc_push(&c, &in) == SMTPC_BROKEN && c.code == 0,
	   "a line without end is none");
	ok(lines(REPLY_LINES_MAX) == SMTPC_MORE, "256 lines are a reply");
	ok(lines(REPLY_LINES_MAX + 1) == SMTPC_BROKEN, "257 are none");
	buf_free(&out);
	buf_free(&wire);
}

static enum smtpc_event
say(struct smtpc *c, const char *reply)
{
	struct slice in = slice_text(reply);

	return smtpc_push(c, &in);
}

/* What stands in one piece behind the last reply that was asked for. */
static void
behind(const char *before, const char *last, const char *story)
{
	struct buf told = {0}, out = {0};
	struct smtpc_mail mail = {
	    .sender = SLICE("a@b.test"), .rcpts = two, .n_rcpts = 2};
	struct slice rest = slice_text(before), in;
	enum smtpc_event e;
	struct smtpc c;

	smtpc_init(&c, &out, SLICE("me"));
	for (;;) {
		size_t n = slice_find(rest, '|');
		bool is_last = rest.len == 0;

		in = is_last ? slice_text(last) : slice_of(rest.at, n);
		rest = slice_from(rest, n < rest.len ? n + 1 : n);
		while ((e = smtpc_push(&c, &in)) != SMTPC_MORE) {
			tell(&told, &c, e);
			if (e == SMTPC_READY && !is_last)
				smtpc_mail(&c, &mail);
			if (e == SMTPC_SEND)
				smtpc_text_end(&c);
		}
		if (is_last)
			break;
	}
	ok(slice_eq(buf_slice(&told), slice_text(story)),
	   "in one piece, \"%.3s...%.3s\": %.*s", last, strchr(last, '\n') + 1,
	   (int)told.len, buf_slice(&told).at);
	buf_free(&told);
	buf_free(&out);
}

static void
test_behind(void)
{
#define FOUR "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"
	behind("", "220 a\r\n250 early\r\n", "stray:220 ");
	behind("", "220 a\r\n421 idle\r\n", "broken:421 ");
	behind("220 a\r\n|", "250 a\r\n250 more\r\n", "stray:250 ");
	behind("220 a\r\n|", "250 a\r\n421 idle\r\n", "ready broken:421 ");
	behind("220 a\r\n|", "250 a\r\nx", "stray:250 ");
	behind("220 a\r\n|250 a\r\n|", "250 a\r\n250 more\r\n",
	       "ready stray:250 ");
	behind(HELLO, FOUR "250 stray\r\n",
	       "ready rcpt0:250 rcpt1:250 stray:354 ");
	behind(HELLO, FOUR "554 stray\r\n",
	       "ready rcpt0:250 rcpt1:250 stray:354 ");
	behind(HELLO, FOUR "421 bye\r\n",
	       "ready rcpt0:250 rcpt1:250 stray:354 ");
	behind(HELLO, FOUR "2", "ready rcpt0:250 rcpt1:250 stray:354 ");
	behind(TAKEN, "250 ok\r\n554 no\r\n", SENDS "stray:250 ");
	behind(TAKEN, "554 no\r\n250 ok\r\n", SENDS "stray:554 ");
	behind(TAKEN, "250 ok\r\n421 bye\r\n", SENDS "done:250 broken:421 ");
	behind(TAKEN, "250 ok\r\n4", SENDS "done:250 ");
}

/* Before the text has gone out, after it has been answered. */
static void
test_stray(void)
{
	struct smtpc_mail mail = {.rcpts = two, .n_rcpts = 1};
	struct buf out = {0};
	struct verdict v;
	struct smtpc c;
	int i;

	for (i = 0; i < 2; i++) {
		smtpc_init(&c, &out, SLICE("me"));
		say(&c, "220 a\r\n");
		say(&c, "250 a\r\n");
		smtpc_mail(&c, &mail);
		say(&c, "250 a\r\n");
		say(&c, "250 a\r\n");
		say(&c, "354 a\r\n");
		if (i == 1) {
			smtpc_text_end(&c);
			ok(say(&c, "250 a\r\n") == SMTPC_DONE, "taken");
		}
		ok(say(&c, "250 b\r\n") == SMTPC_BROKEN && c.stray,
		   i ? "behind the reply" : "while the text goes out");
		smtpc_verdict(&c, SLICE("mx"), &v);
		ok(v.code == 'Z' &&
		       slice_eq(verdict_text(&v),
				SLICE("mx sent an unexpected reply: "
				      "250 b (#4.5.0)")),
		   "%.*s", (int)v.len, v.text);
	}
	smtpc_init(&c, &out, SLICE("me"));
	say(&c, "220 a\r\n");
	say(&c, "250 a\r\n");
	smtpc_mail(&c, &mail);
	say(&c, "250 a\r\n");
	say(&c, "250 a\r\n");
	say(&c, "354 a\r\n");
	ok(say(&c, "552 large\r\n") == SMTPC_BROKEN && !c.stray,
	   "a text may be refused before its end");
	smtpc_init(&c, &out, SLICE("me"));
	ok(smtpc_quiet(&c), "nothing is said");
	say(&c, "22");
	ok(!smtpc_quiet(&c), "a part of a word");
	say(&c, "0-a\r\n");
	ok(!smtpc_quiet(&c), "a line with more to come");
	say(&c, "220 a\r\n");
	ok(smtpc_quiet(&c), "a whole reply");
	smtpc_init(&c, &out, SLICE("me"));
	ok(smtpc_stray(&c) == SMTPC_BROKEN && c.stray &&
	       say(&c, "220 a\r\n") == SMTPC_MORE,
	   "what is known to come too early");
	buf_free(&out);
}

/* The refusal that a stray reply came behind is what counts for the sender. */
static void
test_refusal(void)
{
	struct smtpc_mail mail = {.rcpts = two, .n_rcpts = 2};
	struct buf out = {0};
	struct verdict v;
	struct smtpc c;
	char line[400];
	int i;

	smtpc_init(&c, &out, SLICE("me"));
	say(&c, "220 a\r\n");
	say(&c, "250 a\r\n");
	smtpc_mail(&c, &mail);
	say(&c, "250 a\r\n");
	say(&c, "550 5.1.1 no such user\r\n");
	say(&c, "550 5.1.1 nobody\r\n");
	ok(say(&c, "354 go\r\n") == SMTPC_BROKEN && c.stray,
	   "354 behind a refusal");
	smtpc_verdict(&c, SLICE("mx"), &v);
	ok(v.code == 'Z' &&
	       slice_eq(verdict_text(&v), SLICE("mx sent an unexpected reply: "
						"354 go after 550 5.1.1 nobody "
						"(#4.5.0)")),
	   "%.*s", (int)v.len, v.text);
	for (i = 0; i < 2; i++) {
		snprintf(line, sizeof line, "%s %0300d\r\n", i ? "354" : "550",
			 0);
		if (i == 0) {
			smtpc_init(&c, &out, SLICE("me"));
			say(&c, "220 a\r\n");
			say(&c, "250 a\r\n");
			smtpc_mail(&c, &mail);
			say(&c, "250 a\r\n");
			say(&c, "550 no\r\n");
		}
		say(&c, line);
	}
	smtpc_verdict(&c, SLICE("mx"), &v);
	ok(c.stray && v.len == 160 + 11 + 200 + 9 &&
	       slice_find(verdict_text(&v), '(') + 8 == v.len,
	   "long ones: %.*s", (int)v.len, v.text);
	buf_free(&out);
}

static void
test_what_it_knows(void)
{
	struct smtpc_mail mail = {.rcpts = two, .n_rcpts = 2};
	struct buf out = {0};
	struct smtpc c;

	smtpc_init(&c, &out, SLICE("me"));
	say(&c, "220 a\r\n");
	ok(say(&c, "250-a\r\n250 SIZE 1000\r\n") == SMTPC_READY &&
	       c.max_size == 1000,
	   "SIZE 1000");
	smtpc_mail(&c, &mail);
	while (say(&c, c.n_told < 2 ? "250 a\r\n" : "354 a\r\n") != SMTPC_SEND)
		;
	ok(!c.sent, "not sent yet");
	smtpc_text_end(&c);
	ok(c.sent, "sent: if the connection is lost now, who knows");
	ok(say(&c, "250 a\r\n") == SMTPC_DONE && !c.sent, "and now we know");
	smtpc_init(&c, &out, SLICE("me"));
	say(&c, "220 a\r\n");
	ok(say(&c, "250-a\r\n250 SIZE many\r\n") == SMTPC_READY && c.has_size &&
	       !c.max_size,
	   "SIZE that is no number");
	buf_free(&out);
}

/* the client against the server */

struct side {
	struct buf wire; /* what has been sent to this side and not read */
};

static unsigned seed = 1;

static unsigned
random_below(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % n;
}

/* The server takes whatever its machine says and replies as told. */
static void
serve(struct smtpd *m, struct buf *in, struct buf *out, struct buf *got,
      bool pipelining)
{
	while (in->len > 0) {
		size_t used;
		enum smtpd_event e =
		    smtpd_push(m, in->mem + in->off, in->len, &used);

		if (e == SMTPD_MORE) {
			buf_take(in, used);
			return;
		}
		if (e == SMTPD_TEXT)
			buf_puts(got, m->text);
		if (e == SMTPD_END)
			buf_text(out, m->bare ? "550 bare\r\n" : "250 ok\r\n");
		if (e == SMTPD_COMMAND && m->command.fault) {
			buf_text(out, "501 fault\r\n");
		} else if (e == SMTPD_COMMAND) {
			switch (m->command.verb) {
			case SMTPD_DATA:
				buf_text(out, "354 go\r\n");
				smtpd_data(m);
				break;
			case SMTPD_EHLO:
				buf_text(out, pipelining
						  ? "250-a\r\n250-PIPELINING"
						    "\r\n250 SIZE 0\r\n"
						  : "250 a\r\n");
				break;
			case SMTPD_MAIL:
			case SMTPD_RCPT:
				buf_puts(got, m->command.address);
				buf_putc(got, '|');
				buf_text(out, "250 ok\r\n");
				break;
			default: buf_text(out, "250 ok\r\n"); break;
			}
		}
		buf_take(in, used);
	}
}

/* What must arrive: each line end as LF, one at the end. */
static void
canonical(struct slice text, struct buf *out)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (text.at[i] == '\n' && i > 0 && text.at[i - 1] == '\r')
			continue;
		buf_putc(out, text.at[i] == '\r' ? '\n' : text.at[i]);
	}
	if (text.len > 0 && buf_slice(out).at[out->len - 1] != '\n')
		buf_putc(out, '\n');
}

static void
send_text(struct smtpc *c, struct slice text, struct buf *wire)
{
	struct canon canon = {0};
	char end[CANON_END_MAX];
	size_t n;

	while (text.len > 0) {
		char room[64];
		size_t max = CANON_ROOM_MIN + random_below(60);

		if (canon_push(&canon, &text, room, max, &n) == CANON_BAD)
			return;
		buf_put(wire, room, n);
	}
	n = canon_end(&canon, end);
	buf_put(wire, end, n);
	smtpc_text_end(c);
}

static bool
one_mail(const struct smtpc_mail *mail, struct slice text, bool pipelining)
{
	struct buf to_server = {0}, cut = {0}, to_client = {0}, got = {0},
		   want = {0};
	struct smtpd server = {0};
	struct smtpc c;
	enum smtpc_event e = SMTPC_MORE;
	bool done = false, good;
	size_t i;

	smtpc_init(&c, &to_server, SLICE("me.test"));
	buf_text(&to_client, "220 hi\r\n");
	while (!done && e != SMTPC_BROKEN) {
		struct slice in = buf_slice(&to_client);
		size_t n = in.len ? 1 + random_below((unsigned)in.len) : 0;

		in.len = n;
		e = smtpc_push(&c, &in);
		buf_take(&to_client, n - in.len);
		if (e == SMTPC_READY)
			smtpc_mail(&c, mail);
		if (e == SMTPC_SEND)
			send_text(&c, text, &to_server);
		done = e == SMTPC_DONE;
		n = to_server.len ? 1 + random_below((unsigned)to_server.len)
				  : 0;
		buf_put(&cut, buf_slice(&to_server).at, n);
		buf_take(&to_server, n);
		serve(&server, &cut, &to_client, &got, pipelining);
	}
	buf_puts(&want, mail->sender);
	buf_putc(&want, '|');
	for (i = 0; i < mail->n_rcpts; i++) {
		buf_puts(&want, mail->rcpts[i]);
		buf_putc(&want, '|');
	}
	canonical(text, &want);
	good = done && c.code == 250 &&
	       slice_eq(buf_slice(&got), buf_slice(&want));
	buf_free(&to_server);
	buf_free(&to_client);
	buf_free(&cut);
	buf_free(&got);
	buf_free(&want);
	return good;
}

static void
test_against_server(void)
{
	static const char alphabet[] = "\r\n.ab\xff\n.\r.";
	static const struct slice rcpts[] = {{"c@d.test", 8},
					     {"e f@g.test", 10},
					     {"\"\\@h.test", 9},
					     {"postmaster", 10}};
	unsigned bad = 0, round;

	for (round = 0; round < 20000; round++) {
		char text[64];
		size_t i, n = random_below(sizeof text);
		struct smtpc_mail mail = {
		    .sender = random_below(2) ? SLICE("a@b.test") : SLICE(""),
		    .rcpts = rcpts,
		    .n_rcpts = 2 + random_below(3),
		    .size = n};

		for (i = 0; i < n; i++)
			text[i] = alphabet[random_below(10)];
		if (!one_mail(&mail, slice_of(text, n), random_below(2)))
			bad++;
	}
	ok(bad == 0, "20,000 random mails arrive as one clean message each");
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof dialogues / sizeof dialogues[0]; i++)
		ok(holds(&dialogues[i]), "dialogue %zu, every cut: %s", i,
		   dialogues[i].story);
	test_verdicts();
	test_long_replies();
	test_behind();
	test_stray();
	test_refusal();
	test_what_it_knows();
	test_against_server();
	return tap_done();
}
