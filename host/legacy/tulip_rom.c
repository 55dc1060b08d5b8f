// SPDX-License-Identifier: GPL-2.0
/*
 * The serial ROM of a 21140A: what is in it, and the wires (Microwire) it is read by. It cannot be written.
 * Sources: Digital Semiconductor 21X4 Serial ROM Format 4.09; any 93C46 datasheet; Linux tulip/eeprom.c.
 * Invariant: a command is a start bit, two bits of opcode and six of address; what comes before a start bit is nothing.
 */
#include <string.h>

#include "legacy/tulip_internal.h"

#define COMMAND_BITS 9u
#define OPCODE_READ  2u
#define DATA_BITS    16u

/* Bytes of the ROM. */
#define ROM_BYTES	(2 * TULIP_ROM_WORDS)
#define ROM_VERSION	18
#define ROM_CONTROLLERS 19
#define ROM_ADDRESS	20
#define ROM_DEVICE	26
#define ROM_LEAF	27
#define ROM_CHECKSUM	126

/* The leaf: one medium, reached by one block of the compact kind. */
#define LEAF	       30
#define AUTOSENSE      0x0800
#define OUTPUTS	       0x1f /* pins of the general purpose port that drive a transceiver */
#define MEDIUM_100BASE_TX 3
#define PINS_100BASE_TX 0x09
/* Port select, PCS and scrambler of CSR6, and which pin tells of the link, high. */
#define COMMAND_100BASE_TX (0x61 | TULIP_LINK_PIN << 1)

void tulip_rom_fill(struct tulip_rom *rom, const uint8_t mac[6])
{
	static const uint8_t leaf[] = { AUTOSENSE & 0xff, AUTOSENSE >> 8, OUTPUTS, 1, MEDIUM_100BASE_TX, PINS_100BASE_TX,
					COMMAND_100BASE_TX, 0 };
	uint8_t bytes[ROM_BYTES] = { [ROM_VERSION] = 1, [ROM_CONTROLLERS] = 1, [ROM_DEVICE] = 0, [ROM_LEAF] = LEAF };
	uint16_t sum;

	memcpy(bytes + ROM_ADDRESS, mac, 6);
	memcpy(bytes + LEAF, leaf, sizeof(leaf));
	sum = (uint16_t)~tulip_crc(bytes, ROM_CHECKSUM);
	bytes[ROM_CHECKSUM] = (uint8_t)sum;
	bytes[ROM_CHECKSUM + 1] = (uint8_t)(sum >> 8);
	for (unsigned int i = 0; i < TULIP_ROM_WORDS; i++)
		rom->words[i] = (uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
}

/* The first bit out is a zero, with the last one of the address; then data, and the next word's behind it. */
static void take_command(struct tulip_rom *rom)
{
	if (rom->command >> 6 != (4 | OPCODE_READ))
		return;
	rom->data = rom->words[rom->command & (TULIP_ROM_WORDS - 1)];
	rom->left = DATA_BITS;
	rom->out = false;
}

static void shift_out(struct tulip_rom *rom)
{
	if (!rom->left) {
		rom->command = (uint16_t)((rom->command & ~(TULIP_ROM_WORDS - 1)) |
					  ((rom->command + 1u) & (TULIP_ROM_WORDS - 1)));
		rom->data = rom->words[rom->command & (TULIP_ROM_WORDS - 1)];
		rom->left = DATA_BITS;
	}
	rom->out = rom->data >> --rom->left & 1;
}

static void clock_in(struct tulip_rom *rom, bool bit)
{
	if (rom->bits == COMMAND_BITS) {
		if (rom->command >> 6 == (4 | OPCODE_READ))
			shift_out(rom);
		return;
	}
	if (!rom->bits && !bit)
		return;
	rom->command = (uint16_t)(rom->command << 1 | bit);
	if (++rom->bits == COMMAND_BITS)
		take_command(rom);
}

/* Not driven, the wire out is pulled up. */
void tulip_rom_drive(struct tulip_rom *rom, uint32_t wires)
{
	bool clock = wires & DEC_ROM_CLOCK;

	if (!(wires & DEC_ROM_CS)) {
		rom->bits = rom->left = 0;
		rom->command = 0;
		rom->out = true;
	} else if (clock && !rom->clock) {
		clock_in(rom, wires & DEC_ROM_IN);
	}
	rom->clock = clock;
}
