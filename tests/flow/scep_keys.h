/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of test devices, PEM: RSA keys take too long to make in every test. */
#ifndef MUSTER_TEST_SCEP_KEYS_H
#define MUSTER_TEST_SCEP_KEYS_H

#define SCEP_NUM_KEYS 3
extern const char *const scep_keys[SCEP_NUM_KEYS];

#endif
