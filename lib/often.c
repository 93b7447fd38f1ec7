#include "lib/often.h"

#include "lib/clients.h"
#include "lib/clock.h"
#include "lib/die.h"
#include "lib/log.h"

#include <string.h>
#include <sys/random.h>

enum { CLIENT_MAX = 46, WHY_MAX = 80, NONE = 0, HEADS = 2 * OFTEN_MAX };

/* One event of one client for one reason. */
struct kind {
	const char *event;
	struct clients_key client;
	char why[WHY_MAX];     /* its begin; empty: none */
	char text[CLIENT_MAX]; /* of the first of these clients */
	uint8_t text_len;
	uint16_t next; /* place plus one */
	unsigned n_logged;
	uint64_t n_more;
};

static struct kind kinds[OFTEN_MAX];
static size_t n_kinds;
static uint16_t heads[HEADS];

static struct {
	const char *event;
	uint64_t n;
} others[OFTEN_EVENTS];

static uint8_t secret[SIPHASH_KEY];
static bool has_secret;
static int64_t begun_ms;
static unsigned n_lines; /* logged as they came, since then */

static uint16_t *
head(const struct kind *k)
{
	uint8_t result[SIPHASH_SIZE];
	struct siphash h;
	uint64_t n;

	siphash_init(&h, secret);
	siphash_push(&h, slice_of((const char *)k->client.bytes, CLIENTS_KEY));
	siphash_push(&h, slice_text(k->event));
	siphash_push(&h, slice_text(k->why));
	siphash_end(&h, result);
	memcpy(&n, result, sizeof n);
	return &heads[n % HEADS];
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
same(const struct kind *a, const struct kind *b)
{
	return memcmp(&a->client, &b->client, sizeof a->client) == 0 &&
	       same_text(a->event, b->event) && strcmp(a->why, b->why) == 0;
}

static void
put(struct kind *k)
{
	uint16_t *at = head(k);

	k->next = *at;
	*at = (uint16_t)(k - kinds + 1);
}

static void
name(struct kind *k, const struct endpoint *peer)
{
	struct buf text = {0};

	if (peer->len > 0)
		endpoint_host(peer, &text);
	else
		buf_text(&text, "local");
	k->text_len = (uint8_t)(text.len < CLIENT_MAX ? text.len : CLIENT_MAX);
	memcpy(k->text, buf_slice(&text).at, k->text_len);
	buf_free(&text);
}

/* NULL: it is not known, and there are too many. */
static struct kind *
find(const struct kind *wanted, const struct endpoint *peer)
{
	uint16_t at;

	for (at = *head(wanted); at != NONE; at = kinds[at - 1].next)
		if (same(&kinds[at - 1], wanted))
			return &kinds[at - 1];
	if (n_kinds == OFTEN_MAX)
		return NULL;
	kinds[n_kinds] = *wanted;
	name(&kinds[n_kinds], peer);
	put(&kinds[n_kinds]);
	return &kinds[n_kinds++];
}

static void
count_other(const char *event)
{
	size_t i;

	for (i = 0; i + 1 < OFTEN_EVENTS && others[i].event; i++)
		if (same_text(others[i].event, event))
			break;
	others[i].event = event;
	others[i].n++;
}

static void
say(const char *event, struct slice client, const char *why, uint64_t n,
    int64_t seconds)
{
	if (n == 0)
		return;
	log_open(event);
	log_bytes("client", client);
	if (*why)
		log_text("why", why);
	log_number("times", (int64_t)n);
	log_number("seconds", seconds);
	log_close();
}

void
often_say(void)
{
	int64_t now_ms = clock_ms();
	int64_t seconds = (now_ms - begun_ms + 500) / 1000;
	size_t i, n = n_kinds;

	memset(heads, NONE, sizeof heads);
	n_kinds = 0;
	for (i = 0; i < n; i++) {
		struct kind k = kinds[i];

		say(k.event, slice_of(k.text, k.text_len), k.why, k.n_more,
		    seconds);
		if (k.n_more == 0) /* a minute without one */
			continue;
		k.n_more = 0;
		kinds[n_kinds] = k;
		put(&kinds[n_kinds++]);
	}
	for (i = 0; i < OFTEN_EVENTS; i++)
		say(others[i].event, SLICE("others"), "", others[i].n, seconds);
	memset(others, 0, sizeof others);
	begun_ms = now_ms;
	n_lines = 0;
}

void
often_look(void)
{
	if (n_kinds > 0 && clock_ms() - begun_ms >= OFTEN_S * 1000)
		often_say();
}

static void
begin(void)
{
	if (!has_secret &&
	    getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret)
		die_sys("getting random bytes", NULL);
	has_secret = true;
	if (n_kinds == 0)
		begun_ms = clock_ms();
	log_at_end(often_say);
}

bool
often_open(const char *event, const struct endpoint *peer, const char *why,
	   unsigned n)
{
	struct kind wanted = {.event = event}, *k;

	begin();
	often_look();
	clients_key_address(&wanted.client, peer);
	if (why)
		memcpy(wanted.why, why, strnlen(why, WHY_MAX - 1));
	k = find(&wanted, peer);
	if (k && k->n_logged < n && n_lines < OFTEN_LINES) {
		k->n_logged++;
		n_lines++;
		log_open(event);
		return true;
	}
	if (k)
		k->n_more++;
	else
		count_other(event);
	return false;
}

bool
often_open_text(const char *event, struct slice client, const char *why,
		unsigned n)
{
	struct endpoint peer = {0};

	if (endpoint_parse(&peer, client, 0) == 0)
		return often_open(event, &peer, why, n);
	log_open(event);
	return true;
}
