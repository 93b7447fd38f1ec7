/* address_why.c - why something is no address, for people */
#include "lib/address.h"

static const char *
label_fault(size_t len)
{
	if (len == 0)
		return "nothing between two dots, or before one";
	return len > ADDRESS_LABEL_MAX ? "more than 63 bytes between two dots"
				       : NULL;
}

static const char *
domain_fault(struct slice domain)
{
	const char *fault = NULL;

	if (domain.len == 0)
		return "no domain behind the @";
	if (domain.at[domain.len - 1] == '.')
		domain.len--;
	if (domain.len > ADDRESS_DOMAIN_MAX)
		return "a domain of more than 253 bytes";
	while (!fault) {
		size_t n = slice_find(domain, '.');

		fault = label_fault(n);
		if (n == domain.len)
			break;
		domain = slice_from(domain, n + 1);
	}
	return fault ? fault : "a blank or a control byte in the domain";
}

const char *
address_why(struct slice address)
{
	struct slice local, domain;

	if (address_sane(address))
		return NULL;
	if (address.len > ADDRESS_MAX)
		return "more than 900 bytes";
	if (!address_fits(address))
		return "a NUL, CR or LF in it";
	address_split(address, &local, &domain);
	return local.len == 0 ? "nobody before the @" : domain_fault(domain);
}
