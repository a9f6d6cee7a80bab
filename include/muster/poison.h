/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that waits for its next life may not be touched: AddressSanitizer is told so; other builds pay nothing. */
#ifndef MUSTER_POISON_H
#define MUSTER_POISON_H

#include "muster/base.h"

#if defined(__SANITIZE_ADDRESS__)
#define MST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MST_ASAN 1
#endif
#endif

#ifdef MST_ASAN
void __asan_poison_memory_region(void const volatile *at, size_t len);
void __asan_unpoison_memory_region(void const volatile *at, size_t len);
#endif

/* mst_poison forbids `len` bytes until mst_unpoison; both ends aligned to 8. */
static inline void mst_poison(void *at, size_t len)
{
#ifdef MST_ASAN
	__asan_poison_memory_region(at, len);
#endif
}
static inline void mst_unpoison(void *at, size_t len)
{
#ifdef MST_ASAN
	__asan_unpoison_memory_region(at, len);
#endif
}

#endif
