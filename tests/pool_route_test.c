/* pool_route_test.c - 20,000 messages and where they go out from: weights,
 * warm-up, rates and concurrency within 2 %, on our own clock
 *
 * Store, schedule and an agent that notes the source of each job share one
 * loop. */
#include "queue/entry.h"
#include "queue/schedule.h"

#include "lib/agent.h"
#include "lib/clock.h"
#include "lib/netstring.h"
#include "tests/tables.h"

#include <signal.h>

enum { N = 20000, SOURCES = 4 };

static struct loop loop;
static struct store store;
static struct config config;
static struct schedule schedule;
static struct agent agent;
static int64_t now_us = 1800000000000000 / 86400000000 * 86400000000;

static unsigned from[SOURCES], running[SOURCES], most[SOURCES], hops[SOURCES];
static size_t n_jobs, n_done;
static struct agent_job *jobs[4096];
static bool is_held, wrong_helo;
static const char *dead; /* this next hop cannot be reached */

static struct slice
attr(const struct agent_job *job, const char *key)
{
	struct slice value = SLICE("");

	entry_attr(buf_slice(&job->attrs), key, &value);
	return value;
}

/* "192.0.2.N" is number N; no source is 0. */
static unsigned
source_of(const struct agent_job *job)
{
	struct slice source = attr(job, "source"), helo = attr(job, "helo");
	unsigned n =
	    source.len > 0 ? (unsigned)(source.at[source.len - 1] - '0') : 0;

	wrong_helo |=
	    source.len > 0 && (helo.len < 5 || helo.at[3] != '0' + (char)n);
	return n % SOURCES;
}

static void
answer(struct agent_job *job)
{
	struct slice hop = job->nexthop;
	struct verdict v;

	running[source_of(job)]--;
	if (dead && slice_eq(hop, slice_text(dead))) {
		verdict_say(&v, 'Z', "no way (#4.4.1)");
		v.about = VERDICT_WAY;
	} else {
		verdict_say(&v, 'K', "fine (#2.0.0)");
		from[source_of(job)]++;
		hops[(unsigned)(hop.at[hop.len - 4] - 'a') % SOURCES]++;
		n_done++;
	}
	agent_verdict_rest(job, &v);
}

static void
job_begun(struct agent_job *job)
{
	unsigned n = source_of(job);

	if (++running[n] > most[n])
		most[n] = running[n];
	if (is_held && n_jobs < 4096)
		jobs[n_jobs++] = job;
	else
		answer(job);
}

static void
job_text(struct agent_job *job)
{
	(void)job;
}

static void
job_gone(struct agent_job *job)
{
	(void)job;
}

static const struct agent_calls calls = {job_begun, job_text, job_gone};

static void
pass_ms(int64_t ms)
{
	int i;

	now_us += ms * 1000;
	clock_set_for_tests(now_us);
	for (i = 0; i < 12; i++)
		loop_round(&loop, 0);
}

static void
loaded(struct store *st)
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
build(const char *routes, const char *pools)
{
	struct report r;
	struct buf why = {0};

	no_tables();
	table("me", "hub.test\n");
	table("locals", "hub.test\n");
	table("users", "*@hub.test maildir:mail/%u\n");
	table("routes", routes);
	table("pools", pools);
	report_init(&r);
	if (config_build(".", &r) != BUILD_DONE)
		fprintf(stderr, "# %.*s", (int)r.errors.text.len,
			buf_slice(&r.errors.text).at);
	report_free(&r);
	if (config.map)
		config_refresh(&config, &why);
	else
		config_open(&config, "config.cdb", &why);
	buf_free(&why);
}

static void
clear(void)
{
	memset(from, 0, sizeof from);
	memset(hops, 0, sizeof hops);
	memset(most, 0, sizeof most);
	n_done = 0;
	dead = NULL;
}

static void
open_queue(void)
{
	store = (struct store){.loaded = loaded, .left = left};
	store_open(&store, &loop, "queue");
	schedule_init(&schedule, &loop, &store, &config, "agent");
	pass_ms(300);
}

static void
close_queue(void)
{
	schedule_stop(&schedule);
	schedule_close(&schedule);
	store_close(&store);
}

static void
begin(const char *routes, const char *pools)
{
	build(routes, pools);
	clear();
	open_queue();
	agent_init(&agent, &loop, "agent", "smtp", 4000, &calls);
	pass_ms(300);
}

static void
end(void)
{
	agent_close(&agent);
	close_queue();
	if (system("rm -rf queue agent") != 0)
		perror("rm");
}

static void
on_stored(struct store_waiter *w, struct message *m, const struct verdict *v)
{
	(void)w;
	(void)v;
	if (m)
		schedule_new(&schedule, m);
}

static void
send_many(size_t n, const char *domain, const char *tag)
{
	static struct store_waiter waiters[128];
	static uint64_t id, n_ids;
	struct buf rcpt = {0};

	for (; n > 0; n--) {
		struct store_waiter *w = &waiters[n % 128];
		struct incoming in = {.birth_us = now_us};

		if (n_ids == 0 || id >> 32 != store.id_base) {
			id = store_lease(&store);
			n_ids = STORE_LEASE;
		}
		n_ids--;
		in.id = id++;
		w->done = on_stored;
		buf_text(&in.sender, "kim@from.test");
		buf_clear(&rcpt);
		buf_text(&rcpt, "x@");
		buf_text(&rcpt, domain);
		incoming_rcpt(&in, buf_slice(&rcpt));
		if (tag)
			incoming_attr(&in, slice_text(tag));
		store_add(&store, &in, SLICE(""), w);
		incoming_free(&in, store.big_dir);
		if (n % 100 == 0) {
			pass_ms(1);
			pass_ms(1);
		}
	}
	buf_free(&rcpt);
	pass_ms(200);
}

static void
send_n(size_t n, const char *domain)
{
	send_many(n, domain, NULL);
}

static bool
near(double got, double want)
{
	bool is = got >= want * 0.98 - 1 && got <= want * 1.02 + 1;

	if (!is)
		printf("# %.1f is not %.1f\n", got, want);
	return is;
}

static const char two[] = "pool p\n"
			  "member p 192.0.2.1 out1.test weight=3\n"
			  "member p 192.0.2.2 out2.test\n";

static void
test_weights(void)
{
	begin("a.test smtp:192.0.2.99:1 pool=p\n"
	      "b.test smtp:a:25 smtp:b:25 smtp:c:25 weights=5,3,2\n",
	      two);
	send_n(N, "a.test");
	ok(n_done == N && near(from[1], 15000) && near(from[2], 5000),
	   "a pool's members by weight: %u, %u", from[1], from[2]);
	ok(!wrong_helo, "each with its own name");
	clear();
	send_n(N, "b.test");
	ok(n_done == N && near(hops[0], 10000) && near(hops[1], 6000) &&
	       near(hops[2], 4000),
	   "next hops by weight: %u, %u, %u", hops[0], hops[1], hops[2]);
	clear();
	dead = "smtp:a:25";
	send_n(N, "b.test");
	pass_ms(2000);
	ok(n_done == N && near(hops[1], 12000) && near(hops[2], 8000),
	   "a dead one's share goes to the others: %u, %u", hops[1], hops[2]);
	clear();
	build("b.test smtp:a:25 smtp:b:25 smtp:c:25 weights=1,1,2\n", two);
	schedule_reroute(&schedule);
	pass_ms(400000); /* closed no more */
	send_n(N, "b.test");
	ok(near(hops[0], 5000) && near(hops[1], 5000) && near(hops[2], 10000),
	   "new weights: %u, %u, %u", hops[0], hops[1], hops[2]);
	end();
}

static void
test_choice(void)
{
	begin("a.test smtp:192.0.2.99:1 pool=p\nb.test smtp:192.0.2.99:1\n",
	      "pool p\nmember p 192.0.2.1 out1.test\n"
	      "pool q\nmember q 192.0.2.2 out2.test\nsender q from.test\n"
	      "pool g\nmember g 192.0.2.3 out3.test\nheader g X-Tier gold\n");
	send_n(10, "a.test");
	ok(from[1] == 10, "by the route");
	send_n(10, "b.test");
	ok(from[2] == 10, "by the sender");
	send_many(10, "b.test", "tag=x-tier:Gold");
	ok(from[3] == 10, "by a header");
	send_many(10, "b.test", "tag=x-tier:tin");
	ok(from[2] == 20, "or not");
	end();
}

static void
test_warmup(const char *over, const char *today)
{
	char pools[400];
	bool is_wait = strcmp(over, "wait") == 0;

	snprintf(pools, sizeof pools,
		 "pool p over=%s\n"
		 "member p 192.0.2.1 out1.test warmup=slow start=%s\n"
		 "member p 192.0.2.2 out2.test\n"
		 "group g a.test b.test\n"
		 "curve slow g 1000 3000\n",
		 over, today);
	begin("* smtp:192.0.2.99:1 pool=p\n", pools);
	send_n(N / 4, "a.test");
	send_n(N / 4, "b.test");
	pass_ms(1000);
	ok(from[1] == 1000, "%s: the day's limit of the group: %u", over,
	   from[1]);
	ok(is_wait ? near(from[2], 5000) : from[2] == 9000,
	   "%s: the other member sends %u", over, from[2]);
	close_queue();
	open_queue();
	pass_ms(1000);
	send_n(1000, "a.test");
	pass_ms(1000);
	ok(from[1] == 1000, "%s: after a start too (%u)", over, from[1]);
	send_n(100, "c.test");
	ok(near(from[1], 1050), "%s: not that of others", over);
	pass_ms(86400000);
	pass_ms(3600000);
	send_n(6000, "a.test");
	pass_ms(3600000);
	ok(near(from[1], 1050 + 3000), "%s: the next day's: %u", over, from[1]);
	end();
}

/* A member's rate, over all its destinations. */
static void
test_rate(void)
{
	int i;

	begin("* smtp:192.0.2.99:1 pool=p\nb.test smtp:192.0.2.98:1 pool=p\n",
	      "pool p\nmember p 192.0.2.1 out1.test rate=3000/m\n");
	send_n(N / 4, "a.test");
	send_n(N / 4, "b.test");
	clear();
	for (i = 0; i < 10000; i++)
		pass_ms(10);
	ok(near(from[1], 5000), "3000 a minute: %u in 100 s", from[1]);
	end();
}

static void
test_concurrency(void)
{
	size_t i, k;

	begin("* smtp:192.0.2.99:1 pool=p\nb.test smtp:192.0.2.98:1 pool=p\n",
	      "pool p\nmember p 192.0.2.1 out1.test concurrency=7\n"
	      "member p 192.0.2.2 out2.test concurrency=2\n");
	is_held = true;
	send_n(N / 20, "a.test");
	send_n(N / 20, "b.test");
	for (i = 0; i < 20000 && n_done < N / 10; i++) {
		for (k = n_jobs, n_jobs = 0; k > 0; k--)
			answer(jobs[k - 1]);
		pass_ms(1);
	}
	ok(n_done == N / 10 && most[1] == 7 && most[2] == 2,
	   "each address its own: %u and %u at a time", most[1], most[2]);
	is_held = false;
	end();
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	tables_begin();
	clock_set_for_tests(now_us);
	loop_init(&loop);
	test_weights();
	test_choice();
	test_warmup("wait", "2027-01-15");
	test_warmup("others", "2027-01-16");
	test_rate();
	test_concurrency();
	config_close(&config);
	loop_free(&loop);
	tables_end();
	return tap_done();
}
