#include "harness/segment.hpp"

namespace berth::harness {
namespace {

std::string flag_letters(const wire::TcpFlags& flags) {
    std::string letters;
    if (flags.syn) letters += 'S';
    if (flags.fin) letters += 'F';
    if (flags.rst) letters += 'R';
    if (flags.psh) letters += 'P';
    if (flags.cwr) letters += 'W';
    if (flags.ece) letters += 'E';
    if (flags.urg) letters += 'U';
    if (flags.ack) letters += '.';
    return letters.empty() ? "none" : letters;
}

std::string options_text(const wire::TcpOptions& options, const NumberBase& base) {
    std::string text;
    const auto item = [&text](const std::string& what) {
        text += (text.empty() ? "" : ",") + what;
    };
    if (options.mss) item("mss " + std::to_string(*options.mss));
    if (options.sack_permitted) item("sackOK");
    if (options.timestamps) {
        item("TS val " + std::to_string(options.timestamps->value) + " ecr " +
             std::to_string(options.timestamps->echo));
    }
    if (options.window_scale) item("wscale " + std::to_string(*options.window_scale));
    if (options.fast_open) item("tfo cookie of " + std::to_string(options.fast_open->size));
    for (std::size_t i = 0; i < options.sack_block_count; ++i) {
        const wire::TcpSackBlock& block = options.sack_blocks[i];
        item("sack " + std::to_string(block.left - base.receiver) + ":" +
             std::to_string(block.right - base.receiver));
    }
    return text;
}

}  // namespace

std::string to_text(const wire::TcpHeader& header, std::size_t payload_bytes,
                    const NumberBase& base) {
    std::string text = "Flags [";
    const std::uint32_t seq = header.seq - base.sender;
    text.append(flag_letters(header.flags)).append("], seq ").append(std::to_string(seq));
    if (payload_bytes != 0) {
        text.append(":").append(std::to_string(seq + static_cast<std::uint32_t>(payload_bytes)));
    }
    if (header.flags.ack) text += ", ack " + std::to_string(header.ack - base.receiver);
    text += ", win " + std::to_string(header.window);
    if (header.flags.urg) text += ", urg " + std::to_string(header.urgent_pointer);
    const std::string options = options_text(header.options, base);
    if (!options.empty()) text += ", options [" + options + "]";
    return text + ", length " + std::to_string(payload_bytes);
}

}  // namespace berth::harness
