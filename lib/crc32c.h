/* crc32c.h - CRC-32C (Castagnoli), by the CPU's instruction where it has one
 *
 * Source  RFC 3720 section 12.1 and appendix B.4 (known answers)
 * Test    tests/lib_test.c
 */
#ifndef QUAIL_LIB_CRC32C_H
#define QUAIL_LIB_CRC32C_H

#include "lib/slice.h"

/* crc32c - go on from crc over more bytes
 *
 * Takes    0, or another seed, for the first piece; the last result for the
 *          next.
 */
uint32_t
crc32c(uint32_t crc, struct slice bytes);

/* crc32c_join - what crc32c gives for two pieces, one behind the other
 *
 * Takes    first: of the first piece, from any seed; second: of the second,
 *          from 0; len: the second's bytes.
 */
uint32_t
crc32c_join(uint32_t first, uint32_t second, uint64_t len);

/* crc32c_portable - the same without the instruction, for the test */
uint32_t
crc32c_portable(uint32_t crc, struct slice bytes);

#endif
