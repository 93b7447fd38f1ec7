#include "cdb/ask.h"

/* Returns  the bytes that were put. */
static size_t
put_lower(char *to, struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		char c = s.at[i];

		to[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	return s.len;
}

bool
ask_domain(struct ask *a, struct slice domain)
{
	char *to = a->domain_room + ASK_FRONT;
	size_t i;

	if (domain.len > 0 && domain.at[domain.len - 1] == '.')
		domain.len--;
	if (domain.len == 0 || domain.len > ADDRESS_MAX)
		return false;
	for (i = 0; i < domain.len; i++)
		if ((unsigned char)domain.at[i] <= ' ' || domain.at[i] == 0x7f)
			return false;
	a->domain = slice_of(to, put_lower(to, domain));
	return true;
}

bool
ask_address(struct ask *a, const struct config *c, struct slice address)
{
	struct slice local, domain;
	char *to = a->full_room + ASK_FRONT;
	size_t len;

	if (!address_sane(address))
		return false;
	if (!address_split(address, &local, &domain))
		domain = config_me(c);
	if (local.len == 0 || !ask_domain(a, domain))
		return false;
	len = put_lower(to, local);
	a->local = slice_of(to, len);
	to[len++] = '@';
	memcpy(to + len, a->domain.at, a->domain.len);
	a->full = slice_of(to, len + a->domain.len);
	return true;
}

bool
ask_find(const struct config *c, struct slice table, struct slice rest,
	 struct map_record *r)
{
	char *front = (char *)(uintptr_t)rest.at - table.len;

	memcpy(front, table.at, table.len);
	return map_find(c->map, slice_of(front, table.len + rest.len), 0, r);
}

bool
ask_find_suffix(const struct config *c, struct slice table, struct ask *a,
		struct map_record *r)
{
	size_t i;

	for (i = 1; i < a->domain.len; i++)
		if (a->domain.at[i] == '.' &&
		    ask_find(c, table, slice_from(a->domain, i), r))
			return true;
	return false;
}
