/* door_test - lib/door.c against a queue that follows a script, and hostile
 * front ends against the real one (queue/intake.c on a store in /tmp) */
#include "lib/door.h"

#include "lib/address.h"
#include "lib/frame.h"
#include "lib/limits.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "lib/server.h"
#include "queue/intake.h"
#include "tests/tap.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static struct loop loop;
static char home[64], path[96], queue_path[96];

static void
rounds(unsigned n)
{
	while (n-- > 0)
		loop_round(&loop, 0);
}

/* Rounds until the condition is true, two seconds at most. */
#define WAIT_FOR(condition)                                                    \
	for (unsigned tries = 0; !(condition) && tries < 200; tries++)         \
	loop_round(&loop, 10)

/* the queue that follows a script */

static struct server script_server;
static struct conn script; /* one connection at a time */
static struct buf said;	   /* what the front end says, a word a frame */

static void
note_frame(const struct frame *f)
{
	buf_putc(&said, f->type);
	buf_number(&said, f->id & 0xffff);
	if (f->type == 'T') {
		buf_putc(&said, '(');
		buf_number(&said, f->rest.len);
		buf_putc(&said, ')');
	} else if (f->rest.len > 0) {
		buf_putc(&said, ':');
		buf_puts(&said, f->rest);
	}
	buf_putc(&said, ' ');
}

static void
script_on(struct conn *c, enum conn_event event)
{
	struct slice in = buf_slice(&c->in);
	size_t before = in.len;
	struct frame f;

	if (event == CONN_EOF || event == CONN_BROKEN) {
		conn_close(c);
		server_left(&script_server);
		buf_text(&said, "gone ");
		return;
	}
	while (event == CONN_INPUT && frame_next(&in, &f) == FRAME_DONE)
		note_frame(&f);
	if (event == CONN_INPUT)
		buf_take(&c->in, before - in.len);
}

static void
script_accepted(struct server *s, int fd, const struct endpoint *peer)
{
	(void)s;
	(void)peer;
	conn_open_take(&script, &loop, fd, script_on);
}

static void
script_open(void)
{
	server_init(&script_server, &loop, "script", 1, script_accepted);
	server_listen_unix(&script_server, path, 0600);
}

static void
script_hang_up(void)
{
	if (script.is_open)
		server_left(&script_server);
	conn_close(&script);
}

static void
script_say(char type, uint64_t id, const char *rest)
{
	frame_put(&script.out, type, id, slice_text(rest));
	conn_flush_later(&script);
}

static bool
was_said(const char *what)
{
	struct slice s = buf_slice(&said);
	bool same = slice_eq(s, slice_text(what));

	if (!same)
		fprintf(stderr, "# said: %.*s\n# not:  %s\n", (int)s.len, s.at,
			what);
	buf_free(&said);
	return same;
}

/* the front end */

struct mail {
	struct door_message m;
	unsigned n_answers;
	struct verdict v;
	struct mail *aborts, *begins; /* what it does when answered */
	bool closes;
};

static struct door door;
static unsigned n_room;

static void
room(struct door *d)
{
	(void)d;
	n_room++;
}

static void
answered(struct door_message *m, const struct verdict *v)
{
	struct mail *mail = OWNER(m, struct mail, m);

	mail->n_answers++;
	mail->v = *v;
	if (mail->aborts)
		door_abort(&mail->aborts->m);
	if (mail->begins && door_begin(&door, &mail->begins->m, answered) == 0)
		door_sender(&mail->begins->m, SLICE("again@b.test"));
	if (mail->closes)
		door_close(&door);
}

static void
tell_two(struct door_message *m)
{
	door_attr(m, "proto", SLICE("QMQP"));
	door_text(m, SLICE("hello"));
	door_sender(m, SLICE("a@b.test"));
	door_rcpt(m, SLICE("c@d.test"));
	door_rcpt(m, SLICE("e@f.test"));
}

/* Connected to the script, with a lease of n ids from 0x101 on. */
static void
door_with(const char *n)
{
	n_room = 0;
	door_init(&door, &loop, path, room);
	WAIT_FOR(script.is_open);
	if (n)
		script_say('L', 0x6930000100000101, n);
	rounds(3);
}

static void
leave(void)
{
	door_close(&door);
	rounds(3);
	script_hang_up();
	buf_free(&said);
}

static void
test_message(void)
{
	struct mail a = {0}, b = {0};

	door_with(NULL);
	ok(door_begin(&door, &a.m, answered) == -1 && n_room == 0,
	   "no ids yet, no message");
	script_say('L', 0x6930000100000101, "100");
	rounds(3);
	ok(n_room == 1, "room is told when they come");
	ok(door_begin(&door, &a.m, answered) == 0 &&
	       a.m.id == 0x6930000100000101 &&
	       door_begin(&door, &b.m, answered) == 0 &&
	       b.m.id == 0x6930000100000102,
	   "ids in their order");
	tell_two(&a.m);
	tell_two(&b.m);
	door_commit(&a.m);
	door_commit(&b.m);
	ok(a.n_answers == 0, "no answer from inside");
	rounds(3);
	ok(was_said("O257 O258 "
		    "P257:proto=QMQP T257(5) S257:a@b.test R257:c@d.test "
		    "R257:e@f.test "
		    "P258:proto=QMQP T258(5) S258:a@b.test R258:c@d.test "
		    "R258:e@f.test C257 C258 "),
	   "two messages, between each other");
	script_say('V', b.m.id, "Kfine");
	script_say('V', a.m.id, "Dno (#5.7.1)");
	script_say('V', b.m.id, "Ztwice");
	script_say('V', 0x6930000100000999, "Knobody's");
	rounds(3);
	ok(a.n_answers == 1 && a.v.code == 'D' && b.n_answers == 1 &&
	       b.v.code == 'K' && slice_eq(verdict_text(&b.v), SLICE("fine")),
	   "answers out of order, one each");
	ok(door_begin(&door, &a.m, answered) == 0, "the struct is free again");
	script_say('V', a.m.id, "?what");
	rounds(3);
	ok(a.n_answers == 2 && a.v.code == 'Z', "an answer without sense is Z");
	leave();
}

static void
test_long_text(void)
{
	static char text[200000];
	struct mail a = {0};

	door_with("10");
	door_begin(&door, &a.m, answered);
	door_text(&a.m, slice_of(text, sizeof text));
	door_text(&a.m, SLICE(""));
	rounds(20);
	ok(was_said("O257 T257(65536) T257(65536) T257(65536) T257(3392) "),
	   "long text goes in frames that are allowed");
	leave();
}

static void
test_abort(void)
{
	struct mail a = {0}, b = {0}, c = {0}, d = {0};

	door_with("10");
	door_abort(&a.m); /* zeroed */
	door_begin(&door, &a.m, answered);
	door_abort(&a.m);
	door_abort(&a.m);
	door_begin(&door, &b.m, answered);
	door_text(&b.m, SLICE("x"));
	door_abort(&b.m);
	door_text(&b.m, SLICE("y"));
	door_begin(&door, &c.m, answered);
	tell_two(&c.m);
	door_commit(&c.m);
	door_abort(&c.m);
	door_begin(&door, &d.m, answered);
	rounds(3);
	ok(was_said("O257 A257 O258 T258(1) A258 O259 P259:proto=QMQP T259(5) "
		    "S259:a@b.test R259:c@d.test R259:e@f.test C259 A259 "
		    "O260 "),
	   "aborted: begun, told, committed");
	script_say('V', c.m.id, "K"); /* it was on its way already */
	script_say('V', d.m.id, "Zearly");
	rounds(3);
	ok(a.n_answers + b.n_answers + c.n_answers == 0,
	   "no answer to any of them");
	ok(d.n_answers == 1, "one refused before it was committed");
	tell_two(&d.m);
	door_commit(&d.m);
	door_abort(&d.m);
	rounds(3);
	ok(was_said("") && d.n_answers == 1, "nothing more is said of it");
	leave();
}

static void
test_leases(void)
{
	struct mail m[8] = {{.n_answers = 0}};
	bool in_order = true;
	size_t i;

	door_with("2");
	script_say('L', 0x201, "3");
	rounds(3);
	n_room = 0;
	for (i = 0; i < 5; i++) {
		in_order &= door_begin(&door, &m[i].m, answered) == 0;
		in_order &= m[i].m.id ==
			    (i < 2 ? 0x6930000100000101 + i : 0x201 + i - 2);
	}
	ok(in_order, "the first range to its end, then the next");
	ok(door_begin(&door, &m[5].m, answered) == -1, "then none");
	script_say('L', 0x301, "1");
	rounds(3);
	ok(n_room == 1 && door_begin(&door, &m[5].m, answered) == 0 &&
	       m[5].m.id == 0x301,
	   "a new range, and room");
	script_say('L', 0x401, "junk");
	script_say('L', 0, "5");
	rounds(3);
	ok(door_begin(&door, &m[6].m, answered) == -1,
	   "a lease without sense gives nothing");
	leave();
}

/* Full just when the first range is used up, with another at hand. */
static void
test_full(void)
{
	static char text[FRAME_REST_MAX];
	struct mail a = {0}, b = {0};
	size_t i;

	door_with("1");
	script_say('L', 0x201, "5");
	rounds(3);
	n_room = 0;
	conn_pause(&script);
	door_begin(&door, &a.m, answered);
	ok(!door_full(&door), "not full");
	for (i = 0; i < 400 && !door_full(&door); i++) {
		door_text(&a.m, slice_of(text, sizeof text));
		rounds(1);
	}
	ok(door_full(&door), "full after %zu pieces that nobody reads", i);
	rounds(3);
	ok(n_room == 0, "no room yet");
	conn_resume(&script);
	WAIT_FOR(n_room > 0);
	ok(!door_full(&door) && n_room == 1, "room again, told once");
	ok(door_begin(&door, &b.m, answered) == 0 && b.m.id == 0x201,
	   "and the next range is there");
	leave();
}

static void
test_queue_gone(void)
{
	struct mail m[4] = {{.n_answers = 0}};
	size_t i;

	door_with("100");
	for (i = 0; i < 4; i++)
		door_begin(&door, &m[i].m, answered);
	tell_two(&m[1].m);
	tell_two(&m[2].m);
	door_commit(&m[2].m);
	rounds(3);
	m[3].aborts = &m[0];
	m[0].aborts = &m[3];
	script_hang_up();
	server_stop(&script_server);
	rounds(3);
	ok(m[1].n_answers == 1 && m[1].v.code == 'Z' && m[2].n_answers == 1 &&
	       m[2].v.code == 'Z',
	   "the queue goes away: Z, once, to begun and committed");
	ok(m[0].n_answers + m[3].n_answers == 1,
	   "one may abort another meanwhile");
	ok(slice_eq(verdict_status(&m[1].v), SLICE("4.3.0")), "with 4.3.0");
	n_room = 0;
	ok(door_begin(&door, &m[1].m, answered) == -1, "no new ones");
	door_text(&m[2].m, SLICE("late"));
	door_commit(&m[2].m);
	buf_free(&said);
	script_open();
	WAIT_FOR(script.is_open);
	ok(n_room == 0, "connected again, no ids yet");
	script_say('L', 0x7001, "10");
	WAIT_FOR(n_room > 0);
	ok(n_room == 1 && door_begin(&door, &m[1].m, answered) == 0 &&
	       m[1].m.id == 0x7001,
	   "ids: room, and messages go on");
	rounds(3);
	ok(was_said("O28673 "), "nothing of before is said");
	script_say('V', 0x7001, "Kfine");
	rounds(3);
	ok(m[1].n_answers == 2 && m[1].v.code == 'K', "and answered");
	leave();
}

/* Where a message comes from, and what a K stands for. */
static void
test_origin(void)
{
	static const struct tls_pin pin = {{0xab}};
	struct mail a = {0}, b = {0};

	door_with("10");
	door_begin(&door, &a.m, answered);
	door_origin(&a.m, 7, 42);
	door_begin(&door, &b.m, answered);
	door_origin(&b.m, 7, 43);
	door_pin(&b.m, &pin);
	rounds(3);
	ok(was_said("O257 P257:trace=7 P257:session=42 O258 P258:trace=7 "
		    "P258:session=43 P258:pin=sha256:ab000000000000000000000000"
		    "00000000000000000000000000000000000000 "),
	   "trace lines, connection, key");
	script_say('V', a.m.id, "K");
	script_say('V', b.m.id, "K6930000100000007");
	rounds(3);
	ok(door_kept(&a.m, &a.v) == a.m.id &&
	       door_kept(&b.m, &b.v) == 0x6930000100000007,
	   "a K stands for the message, or for another one");
	verdict_say(&b.v, 'Z', "6930000100000007");
	ok(door_kept(&b.m, &b.v) == b.m.id, "no other verdict does");
	leave();
}

static void
test_junk_from_queue(void)
{
	static const struct slice junk[] = {SLICE("HTTP/1.1 200 OK"),
					    SLICE("0:,"), SLICE("17:V"),
					    SLICE("9999999999:")};
	size_t i;

	for (i = 0; i < sizeof junk / sizeof *junk; i++) {
		struct mail a = {0};

		door_with("10");
		door_begin(&door, &a.m, answered);
		conn_put(&script, junk[i]);
		rounds(3);
		script_hang_up();
		rounds(3);
		ok(a.n_answers == 1 && a.v.code == 'Z' && !door.is_open,
		   "junk from the queue, and its end: \"%s\"", junk[i].at);
		leave();
	}
}

static void
test_close_inside(void)
{
	struct mail a = {.closes = true}, b = {0}, c = {.begins = &b};

	door_with("10");
	door_begin(&door, &a.m, answered);
	door_begin(&door, &b.m, answered);
	door_begin(&door, &c.m, answered);
	script_say('V', a.m.id, "Kfine");
	rounds(3);
	ok(a.n_answers == 1 && a.v.code == 'K' && b.n_answers == 1 &&
	       b.v.code == 'Z' && c.n_answers == 1 && c.v.code == 'Z',
	   "closed inside an answer: the others are Z");
	leave();

	a = (struct mail){.closes = true};
	b = (struct mail){.closes = true};
	door_with("10");
	door_begin(&door, &a.m, answered);
	door_begin(&door, &b.m, answered);
	script_hang_up();
	rounds(3);
	ok(a.n_answers == 1 && b.n_answers == 1 && loop.n_timers == 0,
	   "closed inside the loss of the queue: once each, no more retries");
	leave();
}

/* the real queue */

struct real {
	struct store store;
	struct intake intake;
	unsigned n_accepted;
	struct message *last;
};

static struct real real;

static void
on_accepted(struct intake *in, struct message *m)
{
	struct real *r = OWNER(in, struct real, intake);

	r->n_accepted++;
	r->last = m;
}

static void
on_loaded(struct store *st)
{
	(void)st;
}

static void
real_open(void)
{
	real = (struct real){.store = {.loaded = on_loaded}};
	store_open(&real.store, &loop, queue_path);
	real.store.is_full = false; /* whatever the disk of a test host says */
	intake_init(&real.intake, &loop, &real.store, path, on_accepted);
	rounds(3);
}

static void
real_close(void)
{
	intake_stop(&real.intake);
	intake_close(&real.intake);
	store_close(&real.store);
}

/* A front end that says what bytes we like. */
struct raw {
	struct conn conn;
	uint64_t first; /* of its lease */
	unsigned n_leases, n_verdicts;
	bool gone;
	struct verdict last;
	uint64_t last_id;
};

static void
raw_on(struct conn *c, enum conn_event event)
{
	struct raw *r = OWNER(c, struct raw, conn);
	struct slice in = buf_slice(&c->in);
	size_t before = in.len;
	struct frame f;

	if (event == CONN_EOF || event == CONN_BROKEN) {
		r->gone = true;
		conn_close(c);
		return;
	}
	while (event == CONN_INPUT && frame_next(&in, &f) == FRAME_DONE) {
		if (f.type == 'L' && r->n_leases++ == 0)
			r->first = f.id;
		if (f.type == 'V') {
			r->n_verdicts++;
			verdict_parse(&r->last, f.rest);
			r->last_id = f.id;
		}
	}
	if (event == CONN_INPUT)
		buf_take(&c->in, before - in.len);
}

static void
raw_open(struct raw *r)
{
	*r = (struct raw){0};
	conn_open_take(&r->conn, &loop, unix_connect(path), raw_on);
	WAIT_FOR(r->n_leases > 0);
}

/* "O P:k=v T:text S:a R:b C": of message number i of the lease */
static void
raw_put(struct buf *out, const struct raw *r, uint64_t i, const char *words)
{
	struct slice rest = slice_text(words), word;

	while ((word = slice_word(&rest)).len > 0)
		frame_put(out, word.at[0], r->first + i,
			  word.len > 2 ? slice_from(word, 2) : SLICE(""));
}

static void
raw_say(struct raw *r, uint64_t i, const char *words)
{
	raw_put(&r->conn.out, r, i, words);
	conn_flush_later(&r->conn);
}

static const char good[] = "O P:proto=QMQP T:hello T:world S:a@b.test "
			   "R:c@d.test R:e@f.test C";

static void
test_real_message(void)
{
	struct store_envelope e;
	struct buf envelope = {0};
	char text[10];
	struct raw r;
	struct message *m;

	raw_open(&r);
	raw_say(&r, 0, good);
	WAIT_FOR(r.n_verdicts == 1);
	m = real.last;
	ok(r.n_verdicts == 1 && r.last.code == 'K' && r.last_id == r.first &&
	       real.n_accepted == 1,
	   "a message is accepted");
	ok(m && m->id == r.first && m->n_rcpts == 2 && m->text_len == 10 &&
	       store_envelope(&real.store, m, &envelope, &e) == 0 &&
	       slice_eq(e.sender, SLICE("a@b.test")) &&
	       slice_eq(e.rcpts, SLICE("8:c@d.test,8:e@f.test,")) &&
	       store_text(&real.store, m, 0, text, 10) == 0 &&
	       !memcmp(text, "helloworld", 10),
	   "and kept as it was");
	raw_say(&r, 1, "R:c@d.test C O S A");
	rounds(5);
	ok(r.gone, "a frame before its O closes the connection");
	buf_free(&envelope);
}

static void
test_real_cuts(void)
{
	struct buf wire = {0};
	bool fine = true;
	struct raw r;
	size_t cut;

	raw_open(&r);
	raw_put(&wire, &r, 0, good);
	for (cut = 0; cut < wire.len; cut++) {
		unsigned n = r.n_verdicts;

		buf_clear(&wire);
		raw_put(&wire, &r, cut, good);
		conn_put(&r.conn, slice_of(wire.mem, cut));
		rounds(2);
		conn_put(&r.conn, slice_from(buf_slice(&wire), cut));
		WAIT_FOR(r.n_verdicts > n);
		fine &= ok_quiet(r.n_verdicts == n + 1 && r.last.code == 'K' &&
				     r.last_id == r.first + cut &&
				     real.last->text_len == 10,
				 "cut at %zu", cut);
	}
	ok(fine, "a message at each of %zu cuts", cut);
	conn_close(&r.conn);
	buf_free(&wire);
	rounds(3);
}

/* Each of these closes its connection, and no other. */
static void
test_real_hostile(void)
{
	static const struct {
		uint64_t i;
		const char *words, *what;
	} t[] = {
	    {0, "T:x", "text before O"},
	    {0, "S:a@b.test", "sender before O"},
	    {0, "C", "commit before O"},
	    {0, "O O", "opened twice"},
	    {0, "O S:a@b.test S:a@b.test", "two senders"},
	    {0, "O R:c@d.test C", "no sender at all"},
	    {0, "O P:settles=69300001000000a1:0", "settles"},
	    {0, "O P:settles=", "settles, empty"},
	    {0, "O P:done=0", "done"},
	    {0, "O P:via=0-1 a@b.test", "via"},
	    {0, "O P:expanded=1 h", "expanded"},
	    {0, "O P:loops=0", "loops"},
	    {0, "O S:a@b.test R:c@d.test C T:x", "text after C"},
	    {0, "O S:a@b.test R:c@d.test C R:e@f.test", "recipient after C"},
	    {0, "O S:a@b.test R:c@d.test C C", "committed twice"},
	    {0, "O S:a@b.test R:c@d.test C O", "opened again after C"},
	    {0, "O A O", "an id used again"},
	    {0, "O A T:x", "text after A"},
	    {0, "L:5", "a lease to the queue"},
	    {0, "O L:5", "a lease to the queue, with a message"},
	    {0, "O V:K", "a verdict to the queue"},
	    {0, "O W:5", "credit"},
	    {0, "O H:qmtp", "hello"},
	    {0, "X", "an unknown letter"},
	    {65536, "O", "an id past the lease"},
	    {UINT64_MAX, "O", "an id before the lease"},
	    {(uint64_t)1 << 40, "O", "another run's id"},
	};
	struct raw good_one, r;
	bool fine = true;
	size_t i;

	raw_open(&good_one);
	raw_say(&good_one, 0, "O T:half");
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		raw_open(&r);
		raw_say(&r, t[i].i, t[i].words);
		WAIT_FOR(r.gone);
		ok(r.gone, "closed: %s", t[i].what);
		fine &= !good_one.gone;
		conn_close(&r.conn);
	}
	raw_say(&good_one, 0, "T:other S:a@b.test R:c@d.test R:e@f.test C");
	WAIT_FOR(good_one.n_verdicts == 1);
	ok(fine && good_one.last.code == 'K' && real.last->text_len == 9,
	   "another's message goes on through all of it");
	/* an id that is another connection's */
	raw_open(&r);
	r.first = good_one.first;
	raw_say(&r, 5, "O");
	WAIT_FOR(r.gone);
	ok(r.gone, "closed: an id of another's lease");
	conn_close(&good_one.conn);
	rounds(3);
}

static void
test_real_junk(void)
{
	static const struct slice junk[] = {
	    SLICE("0:,"),
	    SLICE(":"),
	    SLICE("01"),
	    SLICE("65554:"),
	    SLICE("9999999999:"),
	    SLICE("GET / HTTP"),
	    SLICE("17:O0000000000000000;"),
	    SLICE("17:o0000000000000001,"),
	    SLICE("17:O000000000000000G,"),
	    SLICE("99999999999999999999999"),
	};
	char attr[INCOMING_ATTRS_MAX + 2];
	struct raw r;
	size_t i;

	for (i = 0; i < sizeof junk / sizeof *junk; i++) {
		raw_open(&r);
		conn_put(&r.conn, junk[i]);
		WAIT_FOR(r.gone);
		ok(r.gone, "closed: junk \"%s\"", junk[i].at);
	}
	raw_open(&r);
	memset(attr, 'x', sizeof attr);
	attr[1] = '=';
	raw_say(&r, 0, "O");
	frame_put(&r.conn.out, 'P', r.first, slice_of(attr, sizeof attr));
	WAIT_FOR(r.gone);
	ok(r.gone, "closed: attributes beyond all measure");
}

static bool
refused(struct raw *r, uint64_t i, char code, const char *status)
{
	unsigned n = r->n_verdicts;

	WAIT_FOR(r->n_verdicts > n || r->gone);
	return !r->gone && r->n_verdicts == n + 1 && r->last.code == code &&
	       r->last_id == r->first + i &&
	       slice_eq(verdict_status(&r->last), slice_text(status));
}

/* What is wrong with a message is the message's: the connection goes on. */
static void
test_real_refused(void)
{
	char big[ADDRESS_MAX + 1];
	struct raw r;
	unsigned i;

	raw_open(&r);
	raw_say(&r, 0, "O T:x S:a@b.test C");
	ok(refused(&r, 0, 'D', "5.5.2"), "no recipients: D");
	raw_say(&r, 1, "O S:a@b.test R:c@d.test");
	frame_put(&r.conn.out, 'R', r.first + 1, SLICE("e\n@f.test"));
	raw_say(&r, 1, "R:g@h.test C");
	ok(refused(&r, 1, 'D', "5.1.3"), "LF in a recipient: D");
	memset(big, 'x', sizeof big);
	raw_say(&r, 2, "O R:c@d.test");
	frame_put(&r.conn.out, 'S', r.first + 2, slice_of(big, sizeof big));
	raw_say(&r, 2, "T:more C");
	ok(refused(&r, 2, 'D', "5.1.7"), "a sender too long: D");
	raw_say(&r, 3, "O S:a@b.test");
	for (i = 0; i <= LIMIT_RCPTS; i++)
		raw_say(&r, 3, "R:c@d.test");
	raw_say(&r, 3, "C");
	ok(refused(&r, 3, 'Z', "4.5.3"), "too many recipients: Z");
	raw_say(&r, 4, "O S:a@b.test R:c@d.test");
	for (i = 0; i < 101; i++)
		frame_put(&r.conn.out, 'T', r.first + 4,
			  i % 2 ? SLICE("Received: x\n")
				: SLICE("Delivered-To: y\n"));
	raw_say(&r, 4, "C");
	ok(refused(&r, 4, 'D', "5.4.6"), "too many hops: D");
	raw_say(&r, 5, "O S:a@b.test R:c@d.test A");
	raw_say(&r, 5, "A");
	raw_say(&r, 6, "A");
	raw_say(&r, 7, good);
	ok(refused(&r, 7, 'K', "2.0.0"), "and the next is accepted");
	raw_say(&r, 8, "O S:a@b.test R:c@d..test C");
	ok(refused(&r, 8, 'D', "5.1.3"), "a recipient at an empty label: D");
	conn_close(&r.conn);
	rounds(3);
}

/* Through a file of its own, to the limit and over it. */
static void
test_real_large(void)
{
	static char text[FRAME_REST_MAX];
	struct raw r;
	unsigned i, n;
	char tail[4];

	raw_open(&r);
	raw_say(&r, 0, "O S:a@b.test R:c@d.test R:e@f.test");
	for (i = 0; i < 9; i++)
		frame_put(&r.conn.out, 'T', r.first,
			  slice_of(text, sizeof text));
	raw_say(&r, 0, "T:tail C");
	ok(refused(&r, 0, 'K', "2.0.0") && real.last->is_big &&
	       store_text(&real.store, real.last, 9 * sizeof text, tail, 4) ==
		   0 &&
	       !memcmp(tail, "tail", 4),
	   "a large message");
	raw_say(&r, 1, "O S:a@b.test R:c@d.test");
	n = LIMIT_TEXT / FRAME_REST_MAX + 2;
	for (i = 0; i < n; i++) {
		frame_put(&r.conn.out, 'T', r.first + 1,
			  slice_of(text, sizeof text));
		conn_flush_later(&r.conn);
		rounds(1);
	}
	raw_say(&r, 1, "C");
	ok(refused(&r, 1, 'D', "5.3.4"), "one over the limit: D");
	ok(real.intake.staging.used == 0, "no text is left in memory");
	conn_close(&r.conn);
	rounds(3);
}

static void
put_large(struct raw *r, uint64_t i, const char *begin)
{
	static char text[FRAME_REST_MAX];
	unsigned n;

	raw_say(r, i, begin);
	for (n = 0; n < INCOMING_SMALL / FRAME_REST_MAX + 1; n++)
		frame_put(&r->conn.out, 'T', r->first + i,
			  slice_of(text, sizeof text));
	conn_flush_later(&r->conn);
}

/* Each large text is a descriptor: not all of them are for front ends. */
static void
test_real_files(void)
{
	struct raw r;
	uint64_t i;

	real.intake.files_max = 2;
	raw_open(&r);
	for (i = 0; i < 3; i++)
		put_large(&r, i, "O S:a@b.test R:c@d.test R:e@f.test");
	raw_say(&r, 2, "C");
	ok(refused(&r, 2, 'Z', "4.3.1"), "one file too many: Z");
	raw_say(&r, 3, "O T:small S:a@b.test R:c@d.test C");
	ok(refused(&r, 3, 'K', "2.0.0"), "a small one needs none");
	raw_say(&r, 0, "C");
	ok(refused(&r, 0, 'K', "2.0.0") && real.intake.n_files == 1,
	   "one of the two is complete");
	put_large(&r, 4, "O S:a@b.test R:c@d.test");
	raw_say(&r, 4, "C");
	ok(refused(&r, 4, 'K', "2.0.0"), "and there is room for another");
	conn_close(&r.conn);
	rounds(3);
	ok(real.intake.n_files == 0, "what is given up gives its own back");
	real.intake.files_max = 100;
}

static uid_t caller;

static bool
admits_caller(struct intake *in, int fd, struct intake_caller *who)
{
	(void)in;
	(void)fd;
	*who = (struct intake_caller){.uid = caller, .fronts = ~0u};
	return true;
}

/* A captured front end begins many large ones, and ends none. */
static void
test_real_shares(void)
{
	struct raw greedy[2], other;
	uint64_t i;

	real.intake.files_max = 12;
	real.intake.admits = admits_caller;
	caller = 1;
	raw_open(&greedy[0]);
	raw_open(&greedy[1]);
	for (i = 0; i < 8; i++)
		put_large(&greedy[i % 2], i, "O S:a@b.test R:c@d.test");
	rounds(20);
	for (; i < 12; i++)
		put_large(&greedy[i % 2], i, "O S:a@b.test R:c@d.test");
	rounds(20);
	ok(real.intake.n_files == 9, "a user has three quarters: %zu",
	   real.intake.n_files);
	caller = 2;
	raw_open(&other);
	put_large(&other, 0, "O S:a@b.test R:c@d.test");
	raw_say(&other, 0, "C");
	ok(refused(&other, 0, 'K', "2.0.0"), "another one's are taken");
	conn_close(&greedy[0].conn);
	conn_close(&greedy[1].conn);
	conn_close(&other.conn);
	rounds(5);
	ok(real.intake.n_files == 0, "all is given back");
	real.intake.admits = NULL;
	real.intake.files_max = 100;
}

/* Strangers who hold all that is theirs, and never come to an end. */
static void
test_real_memory(void)
{
	struct staging *st = &real.intake.staging;
	static char rcpt[800];
	struct raw r;
	int i;

	memset(rcpt, 'r', sizeof rcpt);
	memcpy(rcpt + sizeof rcpt - 7, "@d.test", 7);
	raw_open(&r);
	raw_say(&r, 0, "O T:hold S:a@b.test");
	for (i = 0; i < 60; i++)
		frame_put(&r.conn.out, 'R', r.first,
			  slice_of(rcpt, sizeof rcpt));
	raw_say(&r, 1, "O T:new S:a@b.test A");
	rounds(5);
	st->held[false] += STAGING_STRANGERS - STAGING_LARGE;
	st->used += STAGING_STRANGERS - STAGING_LARGE;
	raw_say(&r, 2, "O P:relay=1 T:ours S:a@b.test R:c@d.test C");
	ok(refused(&r, 2, 'K', "2.0.0"), "who may relay finds room");
	raw_say(&r, 3, "O T:new S:a@b.test R:c@d.test C");
	ok(refused(&r, 3, 'K', "2.0.0"), "and a stranger who has just come");
	raw_say(&r, 0, "R:c@d.test C");
	ok(refused(&r, 0, 'Z', "4.3.1"), "who held the most is refused");
	st->held[false] += STAGING_LARGE + 1;
	raw_say(&r, 4, "O T:new S:a@b.test R:c@d.test C");
	ok(refused(&r, 4, 'Z', "4.3.1"),
	   "where nobody is large the newcomer is");
	raw_say(&r, 5, "O P:relay=1 T:ours S:a@b.test R:c@d.test C");
	ok(refused(&r, 5, 'K', "2.0.0"), "unless he may relay");
	st->held[false] -= STAGING_STRANGERS + 1;
	st->used -= STAGING_STRANGERS - STAGING_LARGE;
	ok(st->used == 0 && st->held[false] == 0, "and nothing is left over");
	conn_close(&r.conn);
	rounds(3);
}

/* The front end goes away in the middle, and with a message in the batch. */
static void
test_real_front_end_gone(void)
{
	unsigned n = real.n_accepted;
	struct raw r;

	raw_open(&r);
	raw_say(&r, 0, "O T:half S:a@b.test R:c@d.test");
	raw_say(&r, 1, good);
	rounds(1); /* written; not yet read by the queue */
	conn_close(&r.conn);
	WAIT_FOR(real.n_accepted > n);
	rounds(3);
	ok(real.n_accepted == n + 1 && real.last->id == r.first + 1,
	   "the complete message is kept, the half one is not");
	ok(real.intake.links == NULL && real.intake.staging.used == 0,
	   "nothing else of it is left");
}

/* lib/door.c at the real queue: more ids than two leases have. */
static void
test_real_leases(void)
{
	enum { MESSAGES = 150000 };
	struct mail m = {0};
	uint64_t last = 0;
	bool rising = true;
	unsigned i, waits = 0;

	door_init(&door, &loop, path, room);
	n_room = 0;
	WAIT_FOR(n_room > 0);
	for (i = 0; i < MESSAGES; i++) {
		if (door_begin(&door, &m.m, answered) != 0) {
			n_room = 0;
			waits++;
			WAIT_FOR(n_room > 0);
			if (door_begin(&door, &m.m, answered) != 0)
				break;
		}
		rising &= m.m.id > last;
		last = m.m.id;
		if (i % 10000 == 0) {
			unsigned n = m.n_answers;

			tell_two(&m.m);
			door_commit(&m.m);
			WAIT_FOR(m.n_answers > n);
		} else {
			door_abort(&m.m);
		}
		if (i % 256 == 0)
			rounds(1);
	}
	ok(i == MESSAGES && rising, "%u messages, each with a new id", i);
	ok(waits == 0 && m.n_answers == MESSAGES / 10000 && m.v.code == 'K',
	   "the next range comes before the last is used up");
	/* and now with no pause to read leases in */
	for (i = 0; i < MESSAGES && door_begin(&door, &m.m, answered) == 0; i++)
		door_abort(&m.m);
	n_room = 0;
	WAIT_FOR(n_room > 0);
	ok(i < MESSAGES && n_room > 0 && door_begin(&door, &m.m, answered) == 0,
	   "used up in one breath: room is told when there are new ones");
	door_abort(&m.m);
}

/* The real queue goes away under the real door and comes back. */
static void
test_real_restart(void)
{
	struct mail open = {0}, done = {0};
	uint64_t before;

	door_begin(&door, &open.m, answered);
	door_begin(&door, &done.m, answered);
	tell_two(&done.m);
	door_commit(&done.m);
	before = done.m.id;
	rounds(1); /* on its way */
	real_close();
	WAIT_FOR(open.n_answers > 0);
	ok(open.n_answers == 1 && open.v.code == 'Z' && done.n_answers == 1,
	   "the queue goes away: one answer each");
	n_room = 0;
	real_open();
	WAIT_FOR(n_room > 0);
	ok(n_room == 1, "it comes back");
	done.n_answers = 0;
	ok(door_begin(&door, &done.m, answered) == 0 && done.m.id > before,
	   "with ids that were never used");
	tell_two(&done.m);
	door_commit(&done.m);
	WAIT_FOR(done.n_answers > 0);
	ok(done.n_answers == 1 && done.v.code == 'K', "and takes mail");
	door_close(&door);
	rounds(3);
}

int
main(void)
{
	char command[128];

	signal(SIGPIPE, SIG_IGN);
	snprintf(home, sizeof home, "/tmp/quail-door-test.XXXXXX");
	if (!mkdtemp(home))
		return 1;
	snprintf(path, sizeof path, "%s/door", home);
	snprintf(queue_path, sizeof queue_path, "%s/queue", home);
	loop_init(&loop);
	script_open();
	test_message();
	test_long_text();
	test_abort();
	test_leases();
	test_full();
	test_queue_gone();
	test_origin();
	test_junk_from_queue();
	test_close_inside();
	server_stop(&script_server);
	real_open();
	test_real_message();
	test_real_cuts();
	test_real_hostile();
	test_real_junk();
	test_real_refused();
	test_real_large();
	test_real_files();
	test_real_shares();
	test_real_memory();
	test_real_front_end_gone();
	test_real_leases();
	test_real_restart();
	real_close();
	loop_free(&loop);
	buf_free(&said);
	snprintf(command, sizeof command, "rm -rf %s", home);
	ok(system(command) == 0, "clean");
	return tap_done();
}
