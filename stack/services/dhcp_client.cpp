#include "services/dhcp_client.hpp"

#include <algorithm>

namespace berth::services {

namespace {

namespace option = wire::dhcp_option;

constexpr Ipv4Address everybody{255, 255, 255, 255};

// RFC 3442: classless routes are asked for before the router.
constexpr std::array<std::uint8_t, 8> wanted_options{
    option::subnet_mask, option::classless_routes, option::router,       option::dns_servers,
    option::domain_name, option::interface_mtu,    option::renewal_time, option::rebinding_time};

constexpr std::uint8_t hardware_ethernet = 1;
// Defaults are brought forward by up to this part of themselves (RFC 2131 §4.4.5: "fuzz").
constexpr std::int64_t fuzz_divisor = 64;

// A lease of 136 years may begin at any time that the embedder chose.
Time later(Time from, Duration by) {
    return from.ns > Time::never().ns - by.ns ? Time::never() : from + by;
}

constexpr std::string_view in_use_text = "another station uses this address";
constexpr std::string_view release_text = "no longer needed";

Bytes bytes_of(std::string_view text, std::array<std::uint8_t, 64>& room) {
    const std::size_t length = std::min(text.size(), room.size());
    std::transform(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length), room.begin(),
                   [](char c) { return static_cast<std::uint8_t>(c); });
    return Bytes(room).first(length);
}

}  // namespace

std::string_view name_of(DhcpState state) {
    switch (state) {
        case DhcpState::stopped: return "STOPPED";
        case DhcpState::init: return "INIT";
        case DhcpState::selecting: return "SELECTING";
        case DhcpState::requesting: return "REQUESTING";
        case DhcpState::checking: return "CHECKING";
        case DhcpState::bound: return "BOUND";
        case DhcpState::renewing: return "RENEWING";
        case DhcpState::rebinding: return "REBINDING";
    }
    return "";
}

DhcpClient::DhcpClient(DhcpEnvironment& environment, MacAddress mac, Random random,
                       const DhcpConfig& config)
    : environment_(environment), mac_(mac), random_(random), config_(config) {}

// ---- what happens when ----

void DhcpClient::start(Time now) {
    if (status_.state != DhcpState::stopped) return;
    const auto most_ms = static_cast<std::uint32_t>(config_.start_delay_max.milliseconds());
    enter_init(now + milliseconds(random_.below(most_ms + 1)));
}

void DhcpClient::advance(Time now) {
    while (status_.next_at <= now)
        on_deadline(now);
}

void DhcpClient::on_deadline(Time now) {
    switch (status_.state) {
        case DhcpState::stopped: status_.next_at = Time::never(); break;
        case DhcpState::init: discover(now); break;
        case DhcpState::selecting: send_discover(now); break;
        case DhcpState::requesting:
            if (tries_ < limit_requests) {
                send_request(now);
            } else {
                enter_init(now);
            }
            break;
        // Nobody said whether the address is free before the lease was over.
        case DhcpState::checking: enter_init(now); break;
        case DhcpState::bound:
            status_.state = DhcpState::renewing;
            renew(now);
            break;
        case DhcpState::renewing:
            if (now >= status_.rebind_at) status_.state = DhcpState::rebinding;
            renew(now);
            break;
        case DhcpState::rebinding:
            if (now < status_.expires_at) {
                renew(now);
                break;
            }
            ++status_.expiries;
            lose_lease();
            enter_init(now);
            break;
    }
}

void DhcpClient::enter_init(Time at) {
    status_.state = DhcpState::init;
    status_.next_at = at;
}

void DhcpClient::discover(Time now) {
    status_.state = DhcpState::selecting;
    xid_ = random_.next_u32();
    begun_at_ = now;
    tries_ = 0;
    send_discover(now);
}

// §4.1: exponential, with a second of jitter both ways.
void DhcpClient::wait_to_retry(Time now) {
    const std::int64_t delay_s = first_retry_s << std::min(tries_, limit_doublings);
    ++tries_;
    status_.next_at = now + seconds(delay_s - 1) + milliseconds(random_.below(2001));
}

// §4.4.5: half of the time that remains until T2, or until the end, but at least a minute.
void DhcpClient::renew(Time now) {
    const bool to_all = status_.state == DhcpState::rebinding;
    const Time limit = to_all ? status_.expires_at : status_.rebind_at;
    xid_ = random_.next_u32();
    secs_ = 0;
    send_request(now);
    status_.next_at = std::min(limit, now + std::max((limit - now) / 2, least_renewal_wait));
}

void DhcpClient::lose_lease() {
    if (!status_.lease) return;
    status_.lease.reset();
    status_.renew_at = status_.rebind_at = status_.expires_at = Time::never();
    environment_.withdraw();
}

// ---- what servers say ----

void DhcpClient::receive(Bytes bytes, Time now) {
    const auto message = wire::DhcpView::parse(bytes);
    if (!message) return ignore(DhcpIgnored::malformed);
    if (!message->is_reply()) return ignore(DhcpIgnored::not_a_reply);
    if (message->hardware_address() != mac_) return ignore(DhcpIgnored::other_hardware);
    if (message->xid() != xid_) return ignore(DhcpIgnored::other_xid);
    switch (message->type()) {
        case wire::DhcpMessageType::offer: return on_offer(*message, now);
        case wire::DhcpMessageType::ack: return on_ack(*message, now);
        case wire::DhcpMessageType::nak: return on_nak(*message, now);
        default: return ignore(DhcpIgnored::unexpected);
    }
}

// The first offer that can be used is taken (§4.4.1 leaves the choice to us).
void DhcpClient::on_offer(const wire::DhcpView& message, Time now) {
    if (status_.state != DhcpState::selecting) return ignore(DhcpIgnored::unexpected);
    const auto offer = parse_lease(message);
    if (!offer) return ignore(DhcpIgnored::unacceptable);
    ++status_.offers;
    offered_ = *offer;
    status_.state = DhcpState::requesting;
    tries_ = 0;
    send_request(now);
}

void DhcpClient::on_ack(const wire::DhcpView& message, Time now) {
    if (status_.state != DhcpState::requesting && !is_extending())
        return ignore(DhcpIgnored::unexpected);
    const auto lease = parse_lease(message);
    if (!lease) return ignore(DhcpIgnored::unacceptable);
    const DhcpLease& asked = is_extending() ? *status_.lease : offered_;
    // In REBINDING any server may answer; it becomes ours.
    if (status_.state != DhcpState::rebinding && lease->server != asked.server)
        return ignore(DhcpIgnored::other_server);
    if (lease->address.address != asked.address.address) return ignore(DhcpIgnored::unacceptable);
    ++status_.acks;
    naks_in_a_row_ = 0;
    offered_ = *lease;
    status_.leased_at = requested_at_;
    if (is_extending()) return bind(now);
    status_.state = DhcpState::checking;
    status_.next_at =
        lease->is_infinite() ? Time::never() : later(requested_at_, seconds(lease->lease_s));
    environment_.probe(lease->address, now);
}

void DhcpClient::on_nak(const wire::DhcpView& message, Time now) {
    if (status_.state != DhcpState::requesting && !is_extending())
        return ignore(DhcpIgnored::unexpected);
    const auto server = message.option_address(option::server_identifier);
    if (!server) return ignore(DhcpIgnored::unacceptable);
    const DhcpLease& asked = is_extending() ? *status_.lease : offered_;
    if (status_.state != DhcpState::rebinding && *server != asked.server)
        return ignore(DhcpIgnored::other_server);
    ++status_.naks;
    lose_lease();
    const std::int64_t doubled = std::int64_t{1} << std::min(naks_in_a_row_++, 6);
    enter_init(now + first_nak_delay * doubled);
}

// ---- the address ----

bool DhcpClient::on_address_free(Time now) {
    if (status_.state != DhcpState::checking) return false;
    bind(now);
    return true;
}

void DhcpClient::on_address_in_use(Time now) {
    if (status_.state != DhcpState::checking && !has_lease()) return;
    if (has_lease()) offered_ = *status_.lease;
    lose_lease();
    decline();
    enter_init(now + decline_delay);
}

void DhcpClient::bind(Time now) {
    status_.state = DhcpState::bound;
    status_.lease = offered_;
    set_timers();
    environment_.apply(*status_.lease);
    advance(now);  // a lease may be so short that T1 has passed already
}

// §4.4.5: T1 before T2 before the end; what the server says is taken if it keeps to that.
void DhcpClient::set_timers() {
    const DhcpLease& lease = *status_.lease;
    status_.renew_at = status_.rebind_at = status_.expires_at = Time::never();
    if (!lease.is_infinite()) {
        const Duration whole = seconds(lease.lease_s);
        const bool has_t2 = lease.rebinding_s > 0 && lease.rebinding_s < lease.lease_s;
        const auto fuzzy = [&](Duration part) {
            const auto most_ms = static_cast<std::uint32_t>(
                std::min<std::int64_t>((part / fuzz_divisor).milliseconds(), 3'600'000));
            return part - milliseconds(random_.below(most_ms + 1));
        };
        const Duration t2 = has_t2 ? seconds(lease.rebinding_s) : fuzzy(whole / 8 * 7);
        const bool has_t1 = lease.renewal_s > 0 && seconds(lease.renewal_s) < t2;
        Duration t1 = has_t1 ? seconds(lease.renewal_s) : fuzzy(whole / 2);
        if (t1 >= t2) t1 = t2 / 2;  // a T2 that comes very early
        status_.renew_at = later(status_.leased_at, t1);
        status_.rebind_at = later(status_.leased_at, t2);
        status_.expires_at = later(status_.leased_at, whole);
    }
    status_.next_at = status_.renew_at;
}

// ---- what we say (§4.4.1, table 5) ----

wire::DhcpHeader DhcpClient::header() const {
    wire::DhcpHeader header;
    header.xid = xid_;
    header.seconds = secs_;
    header.hardware_address = mac_;
    if (has_lease()) {
        header.client_address = status_.lease->address.address;
    } else {
        header.wants_broadcast = true;  // we hear no unicast before we have an address
    }
    return header;
}

void DhcpClient::write_common(wire::DhcpWriter& writer) const {
    std::array<std::uint8_t, 7> identifier{hardware_ethernet};
    std::copy(mac_.octets.begin(), mac_.octets.end(), identifier.begin() + 1);
    writer.bytes(option::client_identifier, identifier)
        .bytes(option::parameter_request_list, wanted_options)
        .u16(option::max_message_size, max_message_bytes);
}

void DhcpClient::finish_and_send(wire::DhcpWriter& writer, Ipv4Address source,
                                 Ipv4Address destination) {
    const auto length = writer.finish();
    if (length) environment_.send(Bytes(out_).first(*length), source, destination);
}

void DhcpClient::send_discover(Time now) {
    secs_ = static_cast<std::uint16_t>(
        std::clamp<std::int64_t>((now - begun_at_).seconds(), 0, 65'535));
    wire::DhcpWriter writer(out_, header(), wire::DhcpMessageType::discover);
    write_common(writer);
    ++status_.discovers;
    wait_to_retry(now);
    finish_and_send(writer, {}, everybody);
}

void DhcpClient::send_request(Time now) {
    // §3.1 (3): `secs` is the DISCOVER's.
    wire::DhcpWriter writer(out_, header(), wire::DhcpMessageType::request);
    write_common(writer);
    ++status_.requests;
    if (is_extending()) {
        requested_at_ = now;
        const bool to_all = status_.state == DhcpState::rebinding;
        return finish_and_send(writer, status_.lease->address.address,
                               to_all ? everybody : status_.lease->server);
    }
    writer.address(option::requested_address, offered_.address.address)
        .address(option::server_identifier, offered_.server);
    // The lease is counted from the original request, not from its last copy (§4.4.1).
    if (tries_ == 0) requested_at_ = now;
    wait_to_retry(now);
    finish_and_send(writer, {}, everybody);
}

void DhcpClient::decline() {
    wire::DhcpHeader fields;
    fields.xid = xid_ = random_.next_u32();
    fields.hardware_address = mac_;
    std::array<std::uint8_t, 7> identifier{hardware_ethernet};
    std::copy(mac_.octets.begin(), mac_.octets.end(), identifier.begin() + 1);
    std::array<std::uint8_t, 64> text{};
    wire::DhcpWriter writer(out_, fields, wire::DhcpMessageType::decline);
    writer.bytes(option::client_identifier, identifier)
        .address(option::requested_address, offered_.address.address)
        .address(option::server_identifier, offered_.server)
        .bytes(option::message, bytes_of(in_use_text, text));
    ++status_.declines;
    finish_and_send(writer, {}, everybody);
}

void DhcpClient::release() {
    if (has_lease()) {
        wire::DhcpHeader fields;
        fields.xid = xid_ = random_.next_u32();
        fields.client_address = status_.lease->address.address;
        fields.hardware_address = mac_;
        std::array<std::uint8_t, 7> identifier{hardware_ethernet};
        std::copy(mac_.octets.begin(), mac_.octets.end(), identifier.begin() + 1);
        std::array<std::uint8_t, 64> text{};
        wire::DhcpWriter writer(out_, fields, wire::DhcpMessageType::release);
        writer.bytes(option::client_identifier, identifier)
            .address(option::server_identifier, status_.lease->server)
            .bytes(option::message, bytes_of(release_text, text));
        ++status_.releases;
        finish_and_send(writer, status_.lease->address.address, status_.lease->server);
        lose_lease();
    }
    status_.state = DhcpState::stopped;
    status_.next_at = Time::never();
}

}  // namespace berth::services
