/* compare - which comparisons libFuzzer hears of
 *
 * It learns from those of an input with a number that the code looks for, and
 * puts that number into the next input. Most are none of these: every pointer
 * is compared with 0 by the undefined-behaviour sanitizer, each time that it
 * is used, and with its sum; a third of all time went there. So it hears of
 * none with 0, of none that is equal already, of no two addresses, and of no
 * single bytes, which it keeps nowhere. The linker leads the calls here
 * (--wrap).
 */
#include <stdbool.h>
#include <stdint.h>

/* Of memory: 47 bits, and never so few. */
static inline bool
is_address(uint64_t v)
{
	return v >> 47 == 0 && v >> 40 != 0;
}

#define FUZZ_COMPARE(name, type)                                               \
	void __real___sanitizer_cov_trace_##name(type a, type b);              \
	void __wrap___sanitizer_cov_trace_##name(type a, type b);              \
	void __wrap___sanitizer_cov_trace_##name(type a, type b)               \
	{                                                                      \
		if (a != 0 && b != 0 && a != b &&                              \
		    !(is_address(a) && is_address(b)))                         \
			__real___sanitizer_cov_trace_##name(a, b);             \
	}

#define FUZZ_COMPARE_BYTES(name)                                               \
	void __wrap___sanitizer_cov_trace_##name(uint8_t a, uint8_t b);        \
	void __wrap___sanitizer_cov_trace_##name(uint8_t a, uint8_t b)         \
	{                                                                      \
		(void)a, (void)b;                                              \
	}

FUZZ_COMPARE_BYTES(const_cmp1)
FUZZ_COMPARE_BYTES(cmp1)
FUZZ_COMPARE(const_cmp4, uint32_t)
FUZZ_COMPARE(const_cmp8, uint64_t)
FUZZ_COMPARE(cmp4, uint32_t)
FUZZ_COMPARE(cmp8, uint64_t)
