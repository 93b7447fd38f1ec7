/* aliases - tables of aliases and pools at work: what recipients become, what
 * their copies say, and which address they go out from
 *
 * The input is recipients, a sender, a header, and the tables.
 */
#include "lib/netstring.h"
#include "queue/aliases.h"
#include "queue/sources.h"
#include "queue/spread.h"
#include "tests/fuzz/quiet.h"
#include "tests/fuzz/tables_memory.h"

#include <sys/socket.h>

/* No source of a pool has a timer here. */
void
loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	(void)loop;
	fuzz_check(timer->slot == 0);
}

static const uint8_t key[SIPHASH_KEY] = {7};
static struct aliases_said said;

static const char always[] = "== me\nhub.test\n== locals\nhub.test\n"
			     "== users\n*@hub.test maildir:mail/%u\n";

static void
incoming(struct incoming *in, struct slice rcpts, struct slice sender,
	 struct slice header)
{
	struct slice one;

	*in = (struct incoming){.id = 0xa1, .is_trusted = header.len % 2};
	in->key[0] = (uint8_t)sender.len;
	buf_puts(&in->sender, sender);
	while ((one = slice_word(&rcpts)).len > 0)
		if (address_sane(one))
			incoming_rcpt(in, one);
	hops_push(&in->hops, header);
}

/* One walk as the schedule makes it, and each copy's lines. */
static void
check_vias(const struct incoming *in)
{
	static struct buf lines;
	struct slice rest = buf_slice(&in->rcpts), rcpt;
	struct via_walk w;
	uint32_t i = 0, looping = 0;

	via_walk_begin(&w, buf_slice(&in->attrs));
	for (; netstring_slice(&rest, &rcpt) == 0; i++) {
		fuzz_check(address_sane(rcpt));
		if (via_walk_loops(&w, i))
			looping++;
		else
			via_walk_to(&w, i, rcpt);
		buf_clear(&lines);
		via_lines(&lines, buf_slice(&in->attrs), in->id, i, rcpt);
		fuzz_check(lines.len < 100000);
	}
	fuzz_check(i == in->n_rcpts && (i == 0 || looping < i));
}

static void
expand(const struct config *c, struct slice rcpts, struct slice sender,
       struct slice header)
{
	struct incoming one, two;
	enum aliases_result r;

	incoming(&one, rcpts, sender, header);
	if (one.n_rcpts > 0) {
		uint32_t before = one.n_rcpts;

		incoming(&two, rcpts, sender, header);
		r = aliases_expand(c, key, NULL, &one);
		fuzz_check(aliases_expand(c, key, NULL, &two) == r);
		fuzz_same(&one.rcpts, &two.rcpts);
		fuzz_same(&one.attrs, &two.attrs);
		fuzz_check(one.n_rcpts <= ALIASES_MAX);
		fuzz_check(r == ALIASES_DONE || one.n_rcpts == before);
		if (r == ALIASES_DONE)
			check_vias(&one);
		incoming_free(&two, -1);
		incoming(&two, rcpts, sender, header);
		aliases_expand(c, key, &said, &two);
		incoming_free(&two, -1);
	}
	incoming_free(&one, -1);
}

static void
choose(struct sources *s, struct slice pool, struct slice group)
{
	static const int families[] = {AF_INET, AF_INET6};
	struct pool *p = sources_pool(s, pool);
	unsigned i;

	if (!p)
		return;
	fuzz_check(sources_pool(s, pool) == p && p->n <= SPREAD_MAX);
	for (i = 0; i < 8; i++) {
		struct source *one = sources_choose(s, p, families[i % 2], i,
						    group, NULL, 86400 * 20000);

		fuzz_check(!one ||
			   (one->from.a.any.sa_family == families[i % 2] &&
			    sources_at(s, buf_slice(&one->address)) == one));
	}
}

static void
pools(const struct config *c, struct slice rcpts, struct slice sender,
      struct slice header)
{
	struct sources s;
	struct loop loop = {0};
	struct slice pool, source, name, local, domain = SLICE("x.test");
	unsigned n;

	sources_init(&s, &loop, c);
	address_split(slice_word(&rcpts), &local, &domain);
	domain = pools_group(c, domain);
	if (pools_of_sender(c, sender, &pool, &source))
		choose(&s, pool, domain);
	for (n = 0; pools_header(c, n, &name); n++)
		if (pools_of_header(c, name, slice_trim(header), &pool,
				    &source))
			choose(&s, pool, domain);
	sources_changed(&s);
	choose(&s, SLICE("p"), domain);
	sources_free(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	static struct buf text;
	struct slice in = slice_of((const char *)at, n);
	struct slice rcpts = fuzz_string(&in), sender = fuzz_string(&in);
	struct slice header = fuzz_string(&in);
	struct buf why = {0};
	struct config c;

	buf_clear(&text);
	buf_text(&text, always);
	buf_puts(&text, in);
	if (!compile(buf_slice(&text)) || config_open(&c, "", &why) != 0)
		return 0;
	expand(&c, rcpts, sender, header);
	pools(&c, rcpts, sender, header);
	return 0;
}
