/* repeat_test.c - which packages are repeats: by the real door, with a clock
 * of its own
 *
 * A front end hands over the same bytes again and again: after minutes and
 * days, by the same connection and by others, with other keys, with and
 * without a Message-ID. Each message that is stored has an id; a repeat's K
 * names the one that stands for it.
 */
#include "lib/clock.h"
#include "lib/door.h"
#include "lib/owner.h"
#include "queue/intake.h"
#include "tests/tables.h"
#include "tests/tap.h"

#include <signal.h>

#define HEADER "From: ups@b.test\nSubject: on battery\n"
#define ALARM  HEADER "Message-ID: <1@b.test>\n\nHelp!\n"

enum { MINUTE = 60, DAY = 24 * 3600 };

static struct loop loop;
static struct store store;
static struct intake intake;
static struct door door;
static unsigned n_stored;
static int64_t clock_at_s;

static void
loaded(struct store *st)
{
	(void)st;
}

static void
stored(struct intake *in, struct message *m)
{
	(void)in, (void)m;
	n_stored++;
}

struct package {
	struct door_message m;
	uint64_t kept; /* what its K names; 0: no K */
	bool is_answered;
};

static void
answered(struct door_message *m, const struct verdict *v)
{
	struct package *p = OWNER(m, struct package, m);

	p->is_answered = true;
	p->kept = v->code == 'K' ? door_kept(m, v) : 0;
}

static void
at(int64_t s)
{
	clock_at_s += s;
	clock_set_for_tests(clock_at_s * 1000000);
}

static void
rounds(void)
{
	unsigned i;

	for (i = 0; i < 20; i++)
		loop_round(&loop, 0);
}

static void
begin(void)
{
	unsigned tries;

	store = (struct store){.loaded = loaded};
	store_open(&store, &loop, "queue");
	store.is_full = false;
	intake_init(&intake, &loop, &store, "door", stored);
	door_init(&door, &loop, "door", NULL);
	for (tries = 0; tries < 200 && door.n_ids == 0; tries++)
		loop_round(&loop, 10);
	n_stored = 0;
}

static void
finish(void)
{
	door_close(&door);
	intake_stop(&intake);
	intake_close(&intake);
	store_close(&store);
}

/* Who sends, and how: zero is the usual. */
struct way {
	uint64_t session;
	const char *text, *client;
	const struct tls_pin *pin;
	bool no_relay, no_session, no_trace;
};

static void
tell(struct package *p, struct way way)
{
	struct door_message *m = &p->m;

	*p = (struct package){0};
	if (door_begin(&door, m, answered) != 0)
		return;
	door_attr(m, "client",
		  slice_text(way.client ? way.client : "10.0.0.1"));
	if (!way.no_relay)
		door_attr(m, "relay", SLICE("1"));
	if (way.no_session)
		door_attr(m, "trace", SLICE("6"));
	else if (!way.no_trace)
		door_origin(m, 6, way.session);
	if (way.pin)
		door_pin(m, way.pin);
	door_text(m, SLICE("R: me\n")); /* our own line */
	door_text(m, slice_text(way.text ? way.text : ALARM));
	door_sender(m, SLICE("ups@b.test"));
	door_rcpt(m, SLICE("c@d.test"));
	door_rcpt(m, SLICE("e@f.test"));
	door_commit(m);
}

/* Send it, and wait for the K: was it stored? */
static bool
is_new(struct way way)
{
	struct package p;
	unsigned before = n_stored;

	tell(&p, way);
	rounds();
	ok_quiet(p.is_answered && p.kept != 0, "K");
	return n_stored == before + 1 && p.kept == p.m.id;
}

#define BY(number)	 ((struct way){.session = number})
#define WAY(number, ...) ((struct way){.session = number, __VA_ARGS__})

static void
test_time(void)
{
	at(0);
	ok(is_new(BY(1)), "an alarm is stored");
	at(9 * MINUTE);
	ok(!is_new(BY(2)), "the same again after nine minutes: a repeat");
	at(2 * MINUTE);
	ok(is_new(BY(3)), "after eleven: stored");
	at(10 * MINUTE);
	ok(is_new(BY(4)), "after twenty-one");
	at(10 * MINUTE);
	ok(is_new(BY(5)), "after thirty-one");
	at(DAY);
	ok(is_new(BY(6)), "a day later");
	at(DAY);
	ok(is_new(BY(7)), "two");
	at(DAY);
	ok(is_new(BY(8)), "three");
	at(DAY);
}

static void
test_connection(void)
{
	struct package p[3];
	unsigned i;

	for (i = 0; i < 3; i++)
		tell(&p[i], BY(20));
	rounds();
	ok(n_stored == 3 && p[0].kept == p[0].m.id && p[1].kept == p[1].m.id &&
	       p[2].kept == p[2].m.id && p[0].kept != p[1].kept,
	   "three at once by one connection: three are stored");
	ok(is_new(BY(20)), "and a fourth behind their answers");
	tell(&p[0], BY(21));
	rounds();
	ok(n_stored == 4 && p[0].kept != p[0].m.id && p[0].kept != 0,
	   "by another one: a repeat, and its K names the first");
	ok(is_new(BY(21)), "again by that one, where it has been answered");
	at(DAY);
}

static void
test_client(void)
{
	static const struct tls_pin one = {{1}}, two = {{2}};

	ok(is_new(WAY(30, .pin = &one)), "by a key");
	ok(is_new(WAY(31, .pin = &two)), "by another behind the same address");
	ok(is_new(BY(32)), "by none");
	ok(is_new(WAY(33, .client = "10.0.0.2")), "from another address");
	ok(!is_new(WAY(34, .pin = &one, .client = "10.0.0.3")),
	   "the first key again, from wherever: a repeat");
	ok(!is_new(WAY(35, .client = "10.0.0.2")), "the address again");
	at(DAY);
}

static void
test_rights(void)
{
	ok(is_new(WAY(40, .no_relay = true)) &&
	       is_new(WAY(41, .no_relay = true)),
	   "a client that may not relay has no repeats");
	ok(is_new(WAY(42, .no_session = true)) &&
	       is_new(WAY(43, .no_session = true)),
	   "nor a front end that names no connection");
	ok(is_new(WAY(44, .no_trace = true)) &&
	       is_new(WAY(45, .no_trace = true)),
	   "nor one that does not tell its trace lines");
	at(DAY);
}

static void
test_message_id(void)
{
	static const struct {
		const char *text, *what;
		bool has_id;
	} t[] = {
	    {HEADER "\nHelp!\n", "none", false},
	    {HEADER "\nMessage-ID: <1@b.test>\n", "in the body", false},
	    {HEADER "\r\n\r\nMessage-ID: <1@b.test>\n", "after CR LF", false},
	    {HEADER "Message-ID: \t\nX: y\n\n", "an empty one", false},
	    {HEADER "Message-ID:\n\nx", "one of nothing", false},
	    {HEADER "Message-IDs: <1@b.test>\n\n", "a longer name", false},
	    {HEADER "Message-I: <1@b.test>\n\n", "a shorter name", false},
	    {HEADER "X-Message-ID: <1@b.test>\n\n", "another name", false},
	    {HEADER " Message-ID: <1@b.test>\n\n", "a folded line", false},
	    {HEADER "Message-ID\n: <1@b.test>\n\n", "a broken name", false},
	    {HEADER "Message\rID: <1@b.test>\n\n", "a strange letter", false},
	    {"", "no text", false},
	    {"Message-ID: <1@b.test>", "the first line, without end", true},
	    {HEADER "mESSAGE-id:<1@b.test>\n\n", "in any case", true},
	    {HEADER "Message-ID \t: <1@b.test>\n\n", "behind blanks", true},
	    {HEADER "Message-ID:\n\t<1@b.test>\n\n", "folded", true},
	    {HEADER "Message-ID:\r\n <1@b.test>\r\n\r\n", "with CR LF", true},
	    {HEADER "X: y\r\nMessage-ID: z\r\n\r\n", "a bare word", true},
	};
	uint64_t session = 50;
	size_t i;

	for (i = 0; i < sizeof t / sizeof *t; i++) {
		bool first = is_new(WAY(session++, .text = t[i].text));
		bool second = is_new(WAY(session++, .text = t[i].text));

		ok(first && second == !t[i].has_id, "Message-ID: %s: %s",
		   t[i].what, t[i].has_id ? "a repeat" : "none");
		at(DAY);
	}
}

/* Any cut of the text: the machine by itself. */
static void
test_cuts(void)
{
	static const char text[] =
	    "A: b\r\n c\nMessage-\nMessage-ID :\n\t \n <1@b.test>\n\nx";
	struct slice whole = slice_of(text, sizeof text - 1);
	bool good = true;
	size_t cut;

	for (cut = 0; cut <= whole.len; cut++) {
		struct repeat_header h = {0};
		size_t i;

		repeat_header_push(&h, slice_of(text, cut));
		for (i = cut; i < whole.len; i++)
			repeat_header_push(&h, slice_of(text + i, 1));
		good = good && h.is_found;
	}
	ok(good, "found at every cut");
}

/* After a restart the connections of before are not known, and the first
 * message is. */
static void
test_restart(void)
{
	struct package p;
	uint64_t first;

	tell(&p, BY(80));
	rounds();
	first = p.kept;
	finish();
	at(5 * MINUTE);
	begin();
	tell(&p, BY(80));
	rounds();
	ok(n_stored == 0 && first != 0 && p.kept == first,
	   "a repeat behind a restart: its K names the first");
	at(6 * MINUTE);
	ok(is_new(BY(81)), "the time goes on over it");
	finish();
	at(1);
	begin();
	while (!store.is_loaded)
		loop_round(&loop, 0);
	tell(&p, BY(82));
	rounds();
	ok(n_stored == 0 && p.kept != 0, "also when all has been loaded");
	finish();
	at(-3600);
	begin();
	ok(is_new(BY(83)), "the clock has gone back: nothing is believed that "
			   "seems to come later");
}

static void
test_contract(void)
{
	static const char *const bad[] = {
	    "session=x", "session=", "pin=", "trace=", "trace=99999999"};
	struct package p;
	unsigned i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		size_t eq = slice_find(slice_text(bad[i]), '=');
		char key[16] = {0};

		door_begin(&door, &p.m, answered);
		memcpy(key, bad[i], eq);
		door_attr(&p.m, key, slice_text(bad[i] + eq + 1));
		p.is_answered = false;
		rounds();
		ok(p.is_answered && p.kept == 0, "closed: %s", bad[i]);
		while (door.n_ids == 0) {
			at(1);
			loop_round(&loop, 10);
		}
	}
}

/* Each package has a key, also one that can be no repeat: what loops is known
 * by it. */
static void
test_every_key(void)
{
	static const uint8_t secret[SIPHASH_KEY] = {1};
	struct incoming in[2] = {{.id = 1}, {.id = 2}};
	struct texthash_key key;
	struct repeat r;
	size_t i;

	texthash_key(&key, secret);
	for (i = 0; i < 2; i++) {
		repeat_init(&r, &key);
		repeat_text(&r, i ? SLICE("a\n") : SLICE("b\n"));
		in[i].text_len = 2;
		repeat_finish(&r, &in[i], 1);
		repeat_free(&r);
	}
	ok(!in[0].has_key && !in[1].has_key, "none of them can be a repeat");
	ok(memcmp(in[0].key, in[1].key, sizeof in[0].key) != 0,
	   "but each has its own key");
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	tables_begin();
	loop_init(&loop);
	/* files that are written now must not seem old */
	clock_at_s = clock_s() - 100 * DAY;
	at(0);
	begin();
	test_every_key();
	test_time();
	n_stored = 0;
	test_connection();
	test_client();
	test_rights();
	test_message_id();
	test_cuts();
	test_restart();
	test_contract();
	finish();
	if (system("rm -rf door queue") != 0)
		perror("queue");
	clock_set_for_tests(0);
	loop_free(&loop);
	tables_end();
	return tap_done();
}
