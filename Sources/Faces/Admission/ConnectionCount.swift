import Glibc
package import Kernel
import Synchronization

/// How many connections are open, in all and per network: one network cannot take them all.
///
/// Proxies and programs of this machine speak for many, so that only the whole counts for them.
package final class ConnectionCount: Sendable {
    private struct State {
        var total = 0
        var networks: [IPAddress: Int] = [:]
    }

    private let most: Int
    private let mostPerNetwork: Int
    private let settings: NetworkSettings
    private let state = Mutex(State())

    /// - Parameter most: nil: half of what this process may open, at most 8192.
    package init(_ settings: NetworkSettings, most: Int? = nil, mostPerNetwork: Int = 256) {
        self.settings = settings
        self.most = most ?? min(8192, Self.openFiles / 2)
        self.mostPerNetwork = mostPerNetwork
    }

    /// Whether one more may stay. If so, `leave` has to follow.
    package func enter(_ address: IPAddress?) -> Bool {
        let network = counted(address)
        return state.withLock { state in
            guard state.total < most else { return false }
            if let network {
                guard state.networks[network, default: 0] < mostPerNetwork else { return false }
                state.networks[network, default: 0] += 1
            }
            state.total += 1
            return true
        }
    }

    package func leave(_ address: IPAddress?) {
        let network = counted(address)
        state.withLock { state in
            state.total -= 1
            guard let network else { return }
            let left = state.networks[network, default: 1] - 1
            state.networks[network] = left > 0 ? left : nil
        }
    }

    private func counted(_ address: IPAddress?) -> IPAddress? {
        guard let address, !address.isLoopback, !settings.isTrustedProxy(address) else { return nil }
        return address.network
    }

    /// Raised to what the system lets us have.
    private static var openFiles: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(min(limit.rlim_cur, 1_048_576))
    }
}
