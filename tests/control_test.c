/* control_test - the control socket against hostile and slow askers, lists
 * while messages come and go, and its parts: requests, patterns, the walk,
 * answers, rules, P records in every way they can be read again */
#include "queue/control.h"
#include "queue/control_victim.h"

#include "lib/clock.h"
#include "lib/conn.h"
#include "lib/fs.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "queue/control_run.h"
#include "queue/entry.h"
#include "queue/glob.h"
#include "queue/offline.h"
#include "queue/store_pause.h"
#include "tests/tables.h"
#include "tests/tap.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

static struct loop loop;
static struct store store;
static struct config config;
static struct schedule schedule;
static struct control control;

#define WAIT_FOR(condition)                                                    \
	for (unsigned tries = 0; !(condition) && tries < 500; tries++)         \
	loop_round(&loop, 10)

/* parts: requests */

static struct slice
words(struct buf *b, const char *text)
{
	struct slice rest = slice_text(text), word;

	buf_clear(b);
	while ((word = slice_word(&rest)).len > 0)
		netstring_put(b, word);
	return buf_slice(b);
}

static bool
parses(const char *text, const char *wanted)
{
	struct control_ask a = {0};
	struct buf b = {0};
	const char *why = control_ask_parse(&a, words(&b, text));
	bool good =
	    (why == NULL) == (wanted == NULL) && (!why || strstr(why, wanted));

	if (!good)
		fprintf(stderr, "# %s: %s\n", text, why ? why : "(fine)");
	control_ask_free(&a);
	buf_free(&b);
	return good;
}

static void
test_ask(void)
{
	static const struct {
		const char *words, *why;
	} table[] = {
	    {"list", NULL},
	    {"list id=6930000100000001 to=* from=<> dest=x older=5 held=1",
	     NULL},
	    {"remove all=1", NULL},
	    {"remove id=6930000100000001", NULL},
	    {"remove held=1", NULL},
	    {"cat id=6930000100000001", NULL},
	    {"", "netstrings"},
	    {"frob", "no such"},
	    {"LIST", "no such"},
	    {"list id=693000010000000", "16 digits"},
	    {"list id=693000010000000A", "16 digits"},
	    {"list id=0000000000000000", "the id 0"},
	    {"list id", "KEY=VALUE"},
	    {"list id=", "16 digits"},
	    {"list to=", "empty"},
	    {"list to=a to=b", "twice"},
	    {"list older=", "not known"},
	    {"list older=-1", "not known"},
	    {"list older=4294967296", "not known"},
	    {"list held=0", "not known"},
	    {"list all=1 to=x", "less than all"},
	    {"hold", "--all"},
	    {"remove", "--all"},
	    {"show", "id is wanted"},
	    {"cat", "id is wanted"},
	    {"cat id=6930000100000001 id=6930000100000002", "one id"},
	};
	const char *example = "42:6:remove,19:id=6930000100000001,7:from=<>,,";
	struct slice rest = slice_text(example), payload;
	struct control_ask a = {0};
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		ok(parses(table[i].words, table[i].why), "request: %s",
		   table[i].words);
	ok(netstring_slice(&rest, &payload) == 0 && rest.len == 0 &&
	       control_ask_parse(&a, payload) == NULL &&
	       a.verb == CONTROL_REMOVE && a.n_ids == 1 &&
	       control_ask_id(&a, 0) == 0x6930000100000001 &&
	       slice_eq(a.from, SLICE("<>")),
	   "the page's example");
	control_ask_free(&a);
	ok(control_ask_parse(&a, SLICE("4:list,3:to")) != NULL,
	   "a request that is cut");
	control_ask_free(&a);
}

static void
test_glob(void)
{
	static const struct {
		const char *pattern, *text;
		bool fits;
	} table[] = {
	    {"*", "", true},
	    {"*", "a@b", true},
	    {"<>", "", true},
	    {"<>", "<>", false},
	    {"?", "", false},
	    {"?", "a", true},
	    {"a@B.test", "A@b.TEST", true},
	    {"a@b.test", "a@b.tes", false},
	    {"a@b.test", "a@b.testx", false},
	    {"*@b.test", "x@y@b.test", true},
	    {"*@b.test", "x@b.test.example", false},
	    {"a*b*c", "aXbYbZc", true},
	    {"a*b*c", "aXcYb", false},
	    {"**a**", "bab", true},
	    {"*?", "", false},
	    {"[a]", "a", false},
	};
	char many[2000], text[2000];
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		ok(glob_match(slice_text(table[i].pattern),
			      slice_text(table[i].text)) == table[i].fits,
		   "pattern %s on \"%s\"", table[i].pattern, table[i].text);
	for (i = 0; i < sizeof many; i++)
		many[i] = i % 2 ? 'a' : '*';
	memset(text, 'a', sizeof text);
	text[sizeof text - 1] = 'b';
	ok(!glob_match(slice_of(many, sizeof many),
		       slice_of(text, sizeof text)),
	   "a hostile pattern ends");
	ok(glob_match(SLICE("a\0*"), SLICE("a\0b")), "a NUL is a byte");
}

/* parts: the walk */

static void
test_walk(void)
{
	enum { N = 3 * CONTROL_WALK_IDS + 17 };
	struct control_walk w = {0};
	struct idmap map = {0};
	uint64_t id, last = 0, i, n = 0;
	bool in_order = true, all = true;
	static bool seen[N + 1];

	for (i = 1; i <= N; i++)
		idmap_put(&map, i * 7, &map);
	while ((id = control_walk_next(&w, &map)) != 0) {
		in_order = in_order && id > last;
		last = id;
		if (id % 7 == 0)
			seen[id / 7] = true;
		n++;
		if (n % 5 == 0 && id / 7 + 3 <= N / 2)
			idmap_drop(&map, (id / 7 + 3) * 7);
		if (n % 3 == 0) /* the table grows and is moved */
			idmap_put(&map, id + (n % 2 ? 3 : 1000003), &map);
		if (n > 10 * N)
			break;
	}
	for (i = N / 2 + 1; i <= N; i++)
		all = all && seen[i];
	ok(in_order, "a walk over a table that changes is in order");
	ok(all, "and leaves out none that is there all the time");
	ok(n < 10 * N, "and ends");
	control_walk_free(&w);
	idmap_free(&map);
	ok(control_walk_next(&w, &map) == 0, "an empty table");
	control_walk_free(&w);
}

/* parts: answers */

static void
put_answer(struct answers *all, uint64_t id, uint32_t rcpt, char code,
	   const char *text)
{
	answers_put(all, id, (struct answer){.rcpt = rcpt, .at_s = 7}, code,
		    SLICE("qmtp:h:209"), slice_text(text));
}

static void
test_answers(void)
{
	static struct answers all;
	char endless[1000];
	const struct answer *a;
	uint32_t i;

	ok(answers_get(&all, 1, 0) == NULL, "no answers");
	for (i = 0; i < 1000; i++)
		put_answer(&all, 1 + i % 100, 999 - i, 'Z', "go away");
	ok(all.n == 1000 && all.said.n == 1, "equal answers are kept once");
	put_answer(&all, 1, 99, 'Z', "go away");
	put_answer(&all, 1, 99, 'D', "go away");
	put_answer(&all, 1, 99, 'Z', "come back");
	a = answers_get(&all, 1, 99);
	ok(all.n == 1000 && all.said.n == 2 && a && a->said->code == 'Z' &&
	       slice_eq(said_text(a->said), SLICE("come back")) &&
	       slice_eq(said_hop(a->said), SLICE("qmtp:h:209")),
	   "the last one counts");
	ok(answers_get(&all, 1, 98) == NULL, "none of another's");
	memset(endless, 'x', sizeof endless);
	answers_put(&all, 5, (struct answer){.rcpt = 1}, 'Z',
		    slice_of(endless, sizeof endless),
		    slice_of(endless, sizeof endless));
	a = answers_get(&all, 5, 1);
	ok(a && said_text(a->said).len == ANSWERS_TEXT_MAX &&
	       said_hop(a->said).len == ANSWERS_HOP_MAX,
	   "a long one is cut");
	for (i = 1; i <= 100; i++)
		answers_drop(&all, i);
	answers_drop(&all, 12345);
	ok(all.n == 0 && all.said.n == 0 && all.messages.cap == 0,
	   "nothing is left");
	put_answer(&all, 1, 0, 'Z', "again");
	answers_free(&all);
	ok(all.said.n == 0, "nor after free");
}

/* parts: rules */

static void
test_holds(void)
{
	static const char *const bad[] = {"from a",	 "from \n",   "from\n",
					  "to a\n",	 "from a\nx", "\n",
					  "from a\tb\n", "FROM a\n"};
	struct holds h;
	int dir = fs_open_dir(AT_FDCWD, ".");
	size_t i;

	ok(holds_load(&h, dir) == 0 && h.n == 0, "no file is no rules");
	ok(holds_add(&h, HOLD_FROM, SLICE("a@*")) == 1 &&
	       holds_add(&h, HOLD_DEST, SLICE("smtp:mx/b c")) == 1 &&
	       holds_add(&h, HOLD_FROM, SLICE("a@*")) == 0 && h.n == 2,
	   "two rules");
	ok(holds_find(&h, HOLD_FROM, SLICE("A@x")) &&
	       !holds_find(&h, HOLD_FROM, SLICE("smtp:mx/b c")) &&
	       holds_find(&h, HOLD_DEST, SLICE("smtp:mx/b c")),
	   "are found, each among its kind");
	holds_free(&h);
	ok(holds_load(&h, dir) == 0 && h.n == 2 && h.n_from == 1 &&
	       slice_eq(h.all[1].pattern, SLICE("smtp:mx/b c")),
	   "and read again");
	ok(holds_remove(&h, HOLD_FROM, SLICE("a@")) == 0 &&
	       holds_remove(&h, HOLD_DEST, SLICE("a@*")) == 0 &&
	       holds_remove(&h, HOLD_FROM, SLICE("a@*")) == 1 && h.n == 1,
	   "one is removed");
	ok(holds_remove(&h, HOLD_FROM, SLICE("")) == 1 && h.n == 0,
	   "all are removed");
	for (i = 0; i < HOLDS_MAX; i++) {
		char pattern[16];

		snprintf(pattern, sizeof pattern, "r%zu", i);
		ok_quiet(holds_add(&h, HOLD_FROM, slice_text(pattern)) == 1,
			 "rule %zu", i);
		if (i == 9)
			i = HOLDS_MAX - 3; /* syncs take their time */
	}
	holds_free(&h);
	ok(!holds_good(SLICE("")) && !holds_good(SLICE("a\nb")) &&
	       !holds_good(SLICE("\0")) && holds_good(SLICE("\xc3\xa4 *")),
	   "what can be a rule");
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		table("holds", bad[i]);
		errno = 0;
		ok(holds_load(&h, dir) == -1 && errno == EINVAL && h.n == 0,
		   "a file that makes no sense: %zu", i);
		holds_free(&h);
		holds_load_safely(&h, dir);
		ok(holds_find(&h, HOLD_DEST, SLICE("maildir:")) &&
		       holds_remove(&h, HOLD_DEST, SLICE("*")) == 1 && h.n == 0,
		   "holds everything until an operator has looked");
		holds_free(&h);
	}
	unlink("holds");
	fs_close(dir);
}

/* the whole */

static void
accept_loaded(struct store *st)
{
	(void)st;
	schedule_loaded(&schedule);
}

static void
left(struct store *st, struct message *m)
{
	(void)st;
	schedule_forget(&schedule, m);
}

static void
open_all(void)
{
	store = (struct store){.loaded = accept_loaded,
			       .left = left,
			       .segment_size = 128 * 1024,
			       .keep_segments = 2};
	store_open(&store, &loop, "queue");
	schedule_init(&schedule, &loop, &store, &config, "agent");
	control_init(&control, &loop, &schedule, "control");
	WAIT_FOR(store.is_loaded);
}

static void
close_all(void)
{
	control_close(&control);
	schedule_stop(&schedule);
	schedule_close(&schedule);
	store_close(&store);
}

struct mail {
	struct store_waiter waiter;
	struct incoming in;
};

static void
stored(struct store_waiter *w, struct message *m, const struct verdict *v)
{
	struct mail *mail = OWNER(w, struct mail, waiter);

	(void)v;
	incoming_free(&mail->in, store.big_dir);
	free(mail);
	if (m)
		schedule_new(&schedule, m);
}

static void
add_mail(uint64_t id, const char *from, size_t n_rcpts, const char *to)
{
	struct mail *mail = calloc(1, sizeof *mail);
	size_t i;

	mail->waiter.done = stored;
	mail->in.id = id;
	mail->in.birth_us = clock_us();
	buf_text(&mail->in.sender, from);
	for (i = 0; i < n_rcpts; i++)
		incoming_rcpt(&mail->in, slice_text(to));
	incoming_text(&mail->in, store.big_dir, INCOMING_SMALL,
		      SLICE("Subject: x\n\ntext\n"));
	if (store_add(&store, &mail->in, SLICE(""), &mail->waiter) != 0)
		exit(1);
}

/* Ids go on where the store's are; the first one of n. */
static uint64_t
add_many(size_t n, const char *from, const char *to)
{
	uint64_t id = store_lease(&store), first = id;
	size_t i;

	for (i = 0; i < n; i++)
		add_mail(id++, from, 1, to);
	loop_round(&loop, 0);
	loop_round(&loop, 0);
	return first;
}

/* an asker */

struct asker {
	struct conn conn;
	struct buf got;
	bool is_closed;
};

static void
asker_on(struct conn *c, enum conn_event event)
{
	struct asker *a = OWNER(c, struct asker, conn);

	if (event == CONN_INPUT) {
		buf_puts(&a->got, buf_slice(&c->in));
		buf_take(&c->in, c->in.len);
	} else if (event == CONN_EOF || event == CONN_BROKEN) {
		a->is_closed = true;
		conn_close(c);
	}
}

static void
asker_open(struct asker *a)
{
	*a = (struct asker){0};
	conn_open_take(&a->conn, &loop, unix_connect("control"), asker_on);
}

static void
asker_close(struct asker *a)
{
	conn_close(&a->conn);
	buf_free(&a->got);
	loop_round(&loop, 0);
	loop_round(&loop, 0);
}

static void
asker_say(struct asker *a, const char *text)
{
	struct buf payload = {0};

	words(&payload, text);
	netstring_put(&a->conn.out, buf_slice(&payload));
	conn_flush_later(&a->conn);
	buf_free(&payload);
}

/* The letters of all whole items, and the body of the last. */
static char
letters(const struct asker *a, char *story, size_t max, struct slice *body)
{
	struct slice rest = buf_slice(&a->got), item;
	char last = 0;
	size_t n = 0;

	while (netstring_slice(&rest, &item) == 0 && item.len > 0) {
		last = item.at[0];
		*body = slice_from(item, 1);
		if (n + 1 < max)
			story[n++] = last;
	}
	story[n] = 0;
	return last;
}

static bool
has_end(const struct asker *a)
{
	char story[2];
	struct slice body;
	char last = letters(a, story, sizeof story, &body);

	return last == 'K' || last == 'Z' || last == 'D';
}

static uint64_t
count_of(struct slice body, const char *key)
{
	struct slice value;
	uint64_t n = 0;

	if (entry_attr(body, key, &value))
		(void)slice_number(value, INT64_MAX, &n);
	return n;
}

/* Ask, and compare the letters of the answer and what K counts. */
static bool
answers(const char *request, const char *wanted, uint64_t n)
{
	static struct asker a;
	static char story[1 << 20];
	struct slice body = {"", 0};
	char last;
	bool good;

	asker_open(&a);
	asker_say(&a, request);
	WAIT_FOR(has_end(&a) || a.is_closed);
	last = letters(&a, story, sizeof story, &body);
	good = (!wanted || strcmp(story, wanted) == 0) &&
	       (last != 'K' || count_of(body, "n") == n);
	if (!good)
		fprintf(stderr, "# %s: %.60s, %.*s\n", request, story,
			(int)body.len, body.at);
	asker_close(&a);
	return good;
}

static void
test_verbs(void)
{
	char request[100];
	uint64_t first = add_many(3, "a@b.test", "x@hold.test");

	ok(answers("list", "mrmrmrK", 3), "list");
	ok(answers("count to=x@*", "K", 3), "count");
	ok(answers("count from=<>", "K", 0), "count of others");
	ok(answers("list id=00000000000000ff", "xK", 0), "no such id");
	snprintf(request, sizeof request, "show id=%016llx",
		 (unsigned long long)first);
	ok(answers(request, "mrK", 1), "show");
	memcpy(request, "cat ", 4);
	memmove(request + 4, request + 5, strlen(request + 5) + 1);
	ok(answers(request, "tK", 1), "cat");
	ok(answers("export", "mrtemrtemrteK", 3), "export");
	ok(answers("stats", "sK", 0), "stats");
	ok(answers("destinations", "K", 0), "destinations");
	ok(answers("holds", "K", 0), "holds");
	ok(answers("hold from=a@*", "K", 3) && answers("holds", "hK", 1),
	   "a rule");
	ok(answers("release from=a@*", "K", 3) && answers("holds", "K", 0),
	   "and no more");
	ok(answers("hold dest=\001", "D", 0), "a pattern that is no rule");
	ok(answers("retry all=1", "K", 3), "retry");
	ok(answers("hold all=1", "K", 3) && answers("hold all=1", "K", 0),
	   "hold");
	ok(answers("list held=1", "mrmrmrK", 3), "list of held ones");
	ok(answers("release all=1", "K", 3), "release");
	ok(answers("frob", "D", 0), "what there is not");
	ok(answers("remove", "D", 0), "remove nothing in particular");
	ok(answers("remove all=1", "K", 3), "remove all");
	ok(answers("list", "K", 0), "which leaves none");
}

/* hostile askers */

static bool
survives(const char *bytes, size_t n, const char *wanted)
{
	struct asker a;
	char story[64];
	struct slice body = {"", 0};
	bool good;

	asker_open(&a);
	conn_put(&a.conn, slice_of(bytes, n));
	WAIT_FOR(a.is_closed || has_end(&a));
	letters(&a, story, sizeof story, &body);
	good = strcmp(story, wanted) == 0;
	if (!good)
		fprintf(stderr, "# %.*s: %s\n", (int)n, bytes, story);
	asker_close(&a);
	return good && answers("holds", "K", 0);
}

static void
test_hostile(void)
{
	static const struct {
		const char *bytes, *answer;
	} table[] = {
	    {"GET / HTTP/1.0\r\n\r\n", "D"},
	    {":,", "D"},
	    {"0:,", "D"},
	    {"00:,", "D"},
	    {"1:x,", "D"},
	    {"7:4:list,;", "D"},
	    {"9:4:list,1:,", "D"},
	    {"10:4:list,1:,,", "D"},
	    {"99999999:", "D"},
	    {"99999999999:", "D"},
	    {"1048577:", "D"},
	    {",", "D"},
	};
	struct buf flood = {0};
	struct asker a, many[CONTROL_SESSIONS + 3];
	char story[2000];
	struct slice body;
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		ok(survives(table[i].bytes, strlen(table[i].bytes),
			    table[i].answer),
		   "hostile: %s", table[i].bytes);
	for (i = 0; i < 100; i++)
		buf_text(&flood, "8:5:holds,,");
	asker_open(&a);
	conn_put(&a.conn, buf_slice(&flood));
	WAIT_FOR(letters(&a, story, sizeof story, &body) &&
		 strlen(story) == 100);
	ok(strlen(story) == 100, "a hundred requests at once");
	asker_close(&a);
	for (i = 1; i < 12; i++) { /* cut anywhere, then gone */
		asker_open(&a);
		conn_put(&a.conn, slice_of(flood.mem, i));
		loop_round(&loop, 0);
		asker_close(&a);
	}
	ok(answers("holds", "K", 0), "requests that are cut");
	for (i = 0; i < sizeof many / sizeof *many; i++)
		asker_open(&many[i]);
	for (i = 0; i < 10; i++)
		loop_round(&loop, 0);
	ok(answers("holds", "K", 0), "too many askers, who say nothing");
	for (i = 0; i < sizeof many / sizeof *many; i++)
		asker_close(&many[i]);
	buf_free(&flood);
}

/* Sixteen want a list and do not read it: who asks now is answered, and who
 * had the longest rest makes room. */
static void
test_full(void)
{
	struct asker many[CONTROL_SESSIONS];
	size_t i, k, n = 0;

	add_many(3000, "a@b.test", "x@hold.test");
	for (i = 0; i < CONTROL_SESSIONS; i++) {
		asker_open(&many[i]);
		asker_say(&many[i], "list");
		loop_round(&loop, 0);
		loop_round(&loop, 0);
		conn_pause(&many[i].conn);
		for (k = 0; k < 20; k++) /* until there is no way on */
			loop_round(&loop, 1);
	}
	ok(control.server.n_sessions == CONTROL_SESSIONS, "all are taken");
	ok(answers("count all=1", NULL, store.messages.n),
	   "one more is answered");
	for (i = 0; i < CONTROL_SESSIONS; i++)
		conn_resume(&many[i].conn);
	WAIT_FOR(many[0].is_closed && has_end(&many[CONTROL_SESSIONS - 1]));
	for (i = 0; i < CONTROL_SESSIONS; i++)
		n += many[i].is_closed;
	ok(n == 1 && many[0].is_closed && has_end(&many[CONTROL_SESSIONS - 1]),
	   "and the first has made room, no other: %zu", n);
	for (i = 0; i < CONTROL_SESSIONS; i++)
		asker_close(&many[i]);
}

static void
test_victim(void)
{
	static const struct control_client clients[] = {
	    {0, 10}, {5, 50}, {5, 20}, {0, 60}, {5, 30}};

	ok(control_victim(clients, 0) == 0, "nobody to go");
	ok(control_victim(clients, 1) == 0, "the only one");
	ok(control_victim(clients, 4) == 0, "as many each: the idlest of all");
	ok(control_victim(clients, 5) == 2,
	   "one who has more than others: his idlest");
}

/* lists while messages come and go */

static void
test_list_of_many(void)
{
	enum { N = 20000 };
	struct asker a;
	uint64_t first = add_many(N, "a@b.test", "x@hold.test");
	struct slice rest, item, value;
	uint64_t id, last = 0;
	size_t n = 0, n_kept = 0, i;
	bool in_order = true;
	int64_t slowest_ms = 0;

	asker_open(&a);
	asker_say(&a, "list");
	for (i = 0; !has_end(&a) && i < 3000; i++) {
		int64_t began_ms = clock_ms();

		loop_round(&loop, 1);
		if (clock_ms() - began_ms > slowest_ms)
			slowest_ms = clock_ms() - began_ms;
		if (i < 40) { /* odd ones go, new ones come */
			struct message *m =
			    idmap_get(&store.messages, first + N - 1 - 2 * i);

			heap_drop(&schedule.heap, m);
			store_settle(&store, m, 0, 'K', SLICE("gone"));
			add_mail(store_lease(&store), "new@b.test", 1,
				 "x@hold.test");
		}
	}
	for (rest = buf_slice(&a.got); netstring_slice(&rest, &item) == 0;) {
		if (item.at[0] != 'm')
			continue;
		n++;
		if (!entry_attr(slice_from(item, 1), "id", &value) ||
		    slice_hex(value, &id) != 0)
			break;
		in_order = in_order && id > last;
		last = id;
		n_kept += id >= first && id < first + N;
	}
	ok(has_end(&a), "a list of %d ends", N);
	ok(in_order, "in order");
	ok(n_kept >= N - 40 && n_kept <= N, "has all that stayed");
	ok(i > 20, "in many slices: %zu", i);
	ok(slowest_ms < 200, "no slice took long: %d ms", (int)slowest_ms);
	asker_close(&a);
	ok(n >= n_kept, "and perhaps some that came");
}

/* One who does not read: nothing must pile up, nobody else must wait. */
static void
test_slow_reader(void)
{
	struct asker a;
	size_t i, got;

	asker_open(&a);
	asker_say(&a, "list");
	loop_round(&loop, 0);
	loop_round(&loop, 0);
	conn_pause(&a.conn);
	for (i = 0; i < 300; i++)
		loop_round(&loop, 1);
	got = a.got.len;
	ok(!has_end(&a), "one who does not read gets no end");
	ok(answers("count all=1", NULL, store.messages.n),
	   "others are answered");
	ok(a.got.len == got, "and he nothing");
	conn_resume(&a.conn);
	WAIT_FOR(has_end(&a));
	ok(has_end(&a), "when he reads he gets all");
	asker_close(&a);

	asker_open(&a);
	asker_say(&a, "export");
	loop_round(&loop, 0);
	loop_round(&loop, 0);
	asker_close(&a);
	ok(control.server.n_sessions == 0 && !control.links,
	   "one who goes away in the middle is forgotten");
}

static void
test_many_recipients(void)
{
	struct asker a;
	char story[4];
	struct slice body = {"", 0};
	size_t i, n = 0;
	struct slice rest, item;

	answers("remove all=1", "K", store.messages.n);
	add_mail(store_lease(&store), "a@b.test", 5000, "x@hold.test");
	loop_round(&loop, 0);
	asker_open(&a);
	asker_say(&a, "list");
	for (i = 0; !has_end(&a) && i < 1000; i++) {
		loop_round(&loop, 1);
		if (i == 2)
			answers("remove all=1", "K", 1);
	}
	for (rest = buf_slice(&a.got); netstring_slice(&rest, &item) == 0;)
		n += item.at[0] == 'r';
	letters(&a, story, sizeof story, &body);
	ok(has_end(&a) && n > 0 && n < 5000,
	   "a message that is removed while its recipients are told: %zu", n);
	asker_close(&a);
}

/* P records, in every way that they can be read again */

static struct message *
only_message(void)
{
	return idmap_any(&store.messages);
}

static bool
only_is(bool is_paused)
{
	struct message *m = only_message();

	if (store.messages.n != 1 || !m || m->is_paused != is_paused)
		fprintf(
		    stderr,
		    "# %zu messages, paused %d, loaded %d of %u, indexed %u\n",
		    store.messages.n, m ? m->is_paused : -1, store.is_loaded,
		    store.n_segments, store.n_indexed);
	return store.messages.n == 1 && m && m->is_paused == is_paused;
}

/* What a kill leaves: the segment is not sealed. */
static void
reopen(bool as_after_a_kill)
{
	store_pause_sync(&store);
	if (as_after_a_kill)
		store.failed = true;
	close_all();
	open_all();
}

static void
test_pause(void)
{
	static const char *const how[] = {"its index", "a scan"};
	unsigned kill;

	for (kill = 0; kill < 2; kill++) {
		answers("remove all=1", NULL, store.messages.n);
		add_mail(store_lease(&store), "a@b.test", 2, "x@hold.test");
		loop_round(&loop, 0);
		store_pause(&store, only_message(), true);
		reopen(kill);
		ok(only_is(true), "held, says %s", how[kill]);
		store_pause(&store, only_message(), false);
		store_pause(&store, only_message(), true);
		store_pause(&store, only_message(), false);
		reopen(kill);
		ok(only_is(false), "the last one counts, says %s", how[kill]);
		store_pause(&store, only_message(), true);
		reopen(kill);
		ok(only_is(true), "held again, says %s", how[kill]);
	}
}

/* Outcomes and messages that come and go, until the log begins behind segno */
static void
roll_over(uint32_t segno)
{
	unsigned i;

	for (i = 0; i < 200 && store.oldest->segno <= segno; i++) {
		uint64_t first = add_many(100, "fill@b.test", "y@hold.test");
		uint64_t id;

		for (id = first; id < first + 100; id++) {
			struct message *fill = idmap_get(&store.messages, id);

			heap_drop(&schedule.heap, fill);
			store_settle(&store, fill, 0, 'K', SLICE(""));
		}
		store_reclaim(&store);
	}
}

/* Reclaim moves the message; then what its P records said is gone. */
static void
test_pause_moved(bool is_paused)
{
	uint32_t segno;

	store_pause(&store, only_message(), !is_paused);
	store_pause(&store, only_message(), is_paused);
	segno = store.current->segno;
	roll_over(segno);
	ok(store.oldest->segno > segno, "the message was moved");
	reopen(false);
	ok(only_is(is_paused), "and is %s", is_paused ? "held" : "not held");
	roll_over(store.current->segno);
	reopen(true);
	ok(only_is(is_paused), "so too when moved again, and by a scan");
}

/* On the disk only: nothing of it is in memory any more. */
static void
damage(uint64_t id, size_t from)
{
	struct message *m = idmap_get(&store.messages, id);

	add_many(1, "other@b.test", "x@hold.test");
	buf_clear(&store.ahead);
	if (pwrite(m->segment->fd, "\0\0\0", 3,
		   (off_t)(m->offset + RECORD_HEAD + from)) != 3)
		perror("pwrite");
}

/* One unreadable message among others: no walk ends at it. */
static void
test_damaged(void)
{
	char request[100];
	uint64_t id;

	answers("remove all=1", NULL, store.messages.n);
	id = add_many(3, "a@b.test", "x@hold.test");
	damage(id + 1, ENTRY_M_HEAD); /* and adds one more */
	ok(answers("list", "mrmmrmrK", 4), "a list goes on behind it");
	ok(answers("list from=a@b.test", "mrmrK", 2), "a pattern is not it");
	ok(answers("list held=1", "mrmrmrK", 3), "nor held");
	snprintf(request, sizeof request, "show id=%016llx",
		 (unsigned long long)id + 1);
	ok(answers(request, "mK", 1), "it can be looked at");
	snprintf(request, sizeof request, "bounce id=%016llx",
		 (unsigned long long)id + 1);
	ok(answers(request, "K", 0), "not returned");
	ok(answers("export", "mrtemtemrtemrteK", 4), "exported");
	snprintf(request, sizeof request, "hold id=%016llx",
		 (unsigned long long)id + 1);
	ok(answers(request, "K", 1), "held");
	snprintf(request, sizeof request, "remove id=%016llx",
		 (unsigned long long)id + 1);
	ok(answers(request, "K", 1) && store.messages.n == 3, "and removed");
}

/* Set a copy of a message's record aside, as if it were damaged. */
static void
set_aside(uint64_t of, uint64_t id, uint32_t segno)
{
	struct message *m = idmap_get(&store.messages, of);
	struct damaged_piece p = {.what = "its checksum is wrong",
				  .id = id,
				  .segno = segno,
				  .offset = m->offset,
				  .size = RECORD_HEAD + ENTRY_M_HEAD +
					  m->env_len + m->text_len + 1,
				  .fd = m->segment->fd,
				  .done = SLICE("0")};
	char name[DAMAGED_NAME];

	if (damaged_put(store.dir, &p, name) != 0)
		perror("setting aside");
}

/* What is in queue/damaged is told behind the rest. */
static void
test_set_aside(void)
{
	char place[40], request[100];
	uint64_t id;

	answers("remove all=1", NULL, store.messages.n);
	id = store_lease(&store);
	add_mail(id, "a@b.test", 2, "x@hold.test");
	loop_round(&loop, 0);
	set_aside(id, id + 7, 0x6b02093a);
	set_aside(id, 0, 0x6b02093a);
	snprintf(
	    place, sizeof place, "id=6b02093a-%08x",
	    idmap_get(&store.messages, id)
		? ((struct message *)idmap_get(&store.messages, id))->offset
		: 0);
	ok(answers("list", "mrrmrmrK", 3), "behind the others");
	ok(answers("count all=1", "K", 3), "counted");
	ok(answers("list from=a@b.test", "mrrK", 1), "no pattern is them");
	ok(answers("list older=1000", "K", 0), "nor what is older");
	ok(answers("export", "mrrtemrrtemrrteK", 3), "exported");
	snprintf(request, sizeof request, "show %s id=%016llx", place,
		 (unsigned long long)id + 7);
	ok(answers(request, "mrrmrrK", 2), "by name");
	snprintf(request, sizeof request, "cat %s", place);
	ok(answers(request, "tK", 1), "its text");
	ok(answers("show id=6b02093a-00000001 id=6930000100000077", "xxK", 0),
	   "not there");
	snprintf(request, sizeof request, "bounce id=%016llx",
		 (unsigned long long)id + 7);
	ok(answers(request, "yK", 0), "nobody to return it to");
	snprintf(request, sizeof request, "retry %s", place);
	ok(answers(request, "yK", 0), "nor to be tried, by its name");
	ok(answers("stats", NULL, 0), "figures");
	snprintf(request, sizeof request, "remove id=%016llx",
		 (unsigned long long)id + 7);
	ok(answers(request, "K", 1) && answers("list", "mrrmrK", 2),
	   "removed by its name");
	ok(answers("remove all=1", "K", 2) && answers("list", "K", 0),
	   "and with all");
	add_mail(store_lease(&store), "a@b.test", 2, "x@hold.test");
	loop_round(&loop, 0);
}

static void
test_offline(void)
{
	struct offline o;
	struct control_run run = {0};
	struct buf out = {0}, payload = {0};

	store_pause(&store, only_message(), true);
	store_pause_sync(&store);
	offline_open(&o);
	ok(o.store.messages.n == 1, "the files alone say what is there");
	run.source = &o.source;
	control_run_start(&run, words(&payload, "list held=1"), &out);
	while (!control_run_slice(&run, &out))
		;
	ok(memmem(out.mem, out.len, "held_by=operator", 16) != NULL,
	   "and that it is held");
	ok(!memmem(out.mem, out.len, "attempts=", 9), "and no more");
	control_run_free(&run);
	offline_close(&o);
	buf_free(&out);
	buf_free(&payload);
}

int
main(void)
{
	struct buf why = {0};
	struct report report;

	signal(SIGPIPE, SIG_IGN);
	tables_begin();
	test_ask();
	test_glob();
	test_walk();
	test_answers();
	test_holds();
	table("me", "hub.test\n");
	table("routes", "hold.test hold\n");
	report_init(&report);
	if (config_build(".", &report) != BUILD_DONE ||
	    config_open(&config, "config.cdb", &why) != 0)
		return 1;
	report_free(&report);
	loop_init(&loop);
	open_all();
	test_verbs();
	test_hostile();
	test_list_of_many();
	test_slow_reader();
	test_full();
	test_victim();
	test_many_recipients();
	test_pause();
	test_pause_moved(true);
	test_pause_moved(false);
	test_offline();
	test_damaged();
	test_set_aside();
	close_all();
	config_close(&config);
	loop_free(&loop);
	unlink("control");
	unlink("agent");
	if (system("rm -rf queue") != 0)
		perror("queue");
	tables_end();
	return tap_done();
}
