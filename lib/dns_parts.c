#include "lib/dns_parts.h"

#include <stdio.h>
#include <sys/random.h>

bool
dns_name(char name[DNS_NAME_MAX + 1], struct slice host)
{
	size_t i;

	if (host.len == 0 || host.len > DNS_NAME_MAX || host.at[0] == '.')
		return false;
	for (i = 0; i < host.len; i++) {
		char c = host.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '-' || c == '.' ||
		      c == '_'))
			return false;
	}
	memcpy(name, host.at, host.len);
	name[host.len] = '\0';
	return true;
}

void
dns_add_v4(struct dns_query *q, const struct in_addr *a)
{
	struct endpoint *e = &q->addresses[q->n_addresses++];
	struct sockaddr_in *sin = (struct sockaddr_in *)(void *)&e->a.storage;

	memset(e, 0, sizeof *e);
	e->len = sizeof *sin;
	sin->sin_family = AF_INET;
	sin->sin_port = htons(q->port);
	sin->sin_addr = *a;
}

void
dns_add_v6(struct dns_query *q, const struct in6_addr *a)
{
	struct endpoint *e = &q->addresses[q->n_addresses++];
	struct sockaddr_in6 *sin = (struct sockaddr_in6 *)(void *)&e->a.storage;

	memset(e, 0, sizeof *e);
	e->len = sizeof *sin;
	sin->sin6_family = AF_INET6;
	sin->sin6_port = htons(q->port);
	sin->sin6_addr = *a;
}

static bool
before(uint16_t preference, uint32_t lot, const struct dns_query *q,
       const uint32_t *lots, size_t i)
{
	return preference < q->mx[i].preference ||
	       (preference == q->mx[i].preference && lot < lots[i]);
}

void
dns_add_mx(struct dns_query *q, uint32_t lots[DNS_MX_MAX], uint16_t preference,
	   const char *host)
{
	uint32_t lot = 0;
	size_t i = q->n_mx;

	if (getrandom(&lot, sizeof lot, GRND_NONBLOCK) < 0)
		lot = (uint32_t)q->n_mx; /* then as they come */
	while (i > 0 && before(preference, lot, q, lots, i - 1))
		i--;
	if (i == DNS_MX_MAX)
		return;
	if (q->n_mx == DNS_MX_MAX)
		q->n_mx--;
	memmove(&q->mx[i + 1], &q->mx[i], (q->n_mx - i) * sizeof q->mx[0]);
	memmove(&lots[i + 1], &lots[i], (q->n_mx - i) * sizeof lots[0]);
	q->mx[i].preference = preference;
	snprintf(q->mx[i].host, sizeof q->mx[i].host, "%s", host);
	lots[i] = lot;
	q->n_mx++;
}
