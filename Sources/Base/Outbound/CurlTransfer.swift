internal import CCurl
import Dispatch
import Foundation
import Glibc
import Kernel
import Synchronization

/// One transfer through libcurl on a thread of its own, with its own connection. It takes nothing from this machine's
/// user: no proxy from the environment, no `.netrc`, no cookies.
///
/// Set it up, perform it once.
final class CurlTransfer: @unchecked Sendable {
    private let easy: UnsafeMutableRawPointer
    private let multi: UnsafeMutableRawPointer
    private let error = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private var lists: [UnsafeMutablePointer<curl_slist>] = []
    private let isCancelled = Atomic(false)
    private var isClosed = false

    /// Says of each address whether a connection to it may be made.
    private let mayConnect: @Sendable (IPAddress) -> Bool
    private var refusedAddresses = 0
    private var openedSockets = 0
    private let sockets = Mutex<Set<curl_socket_t>>([])
    private var timeout = Duration.seconds(120)

    private var upload = Data()
    private var uploaded = 0
    private let answerLimit: Int
    private var isTooLarge = false
    private var answer = Data()
    private var lines: [String] = []
    private var lineBytes = 0

    private static let initialized = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    /// - Throws: `internal` if libcurl cannot start.
    init(answerLimit: Int, mayConnect: @escaping @Sendable (IPAddress) -> Bool) throws(Problem) {
        guard Self.initialized, let easy = curl_easy_init(), let multi = curl_multi_init() else {
            throw Problem(.internal, "libcurl cannot start.")
        }
        self.easy = easy
        self.multi = multi
        self.answerLimit = answerLimit
        self.mayConnect = mayConnect
        error.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        prepare()
    }

    deinit {
        close()
        for list in lists { curl_slist_free_all(list) }
        error.deallocate()
    }

    /// Ends the connection, which for mail means a QUIT and its answer.
    private func close() {
        guard !isClosed else { return }
        isClosed = true
        // In this order (libcurl, curl_multi_cleanup).
        curl_multi_remove_handle(multi, easy)
        curl_easy_cleanup(easy)
        curl_multi_cleanup(multi)
    }

    // What to transfer ----------------------------------------------------------------------------------------------

    func set(_ option: CURLoption, _ value: Int) { _ = weir_set_long(easy, option, value) }

    func set(_ option: CURLoption, _ value: String) { _ = weir_set_text(easy, option, value) }

    func set(_ option: CURLoption, _ values: [String]) {
        var list: UnsafeMutablePointer<curl_slist>?
        for value in values { list = curl_slist_append(list, value) }
        guard let list else { return }
        lists.append(list)
        _ = weir_set_pointer(easy, option, list)
    }

    func set(timeout: Duration, connectTimeout: Duration) {
        self.timeout = timeout
        set(CURLOPT_TIMEOUT_MS, timeout.wholeMilliseconds)
        set(CURLOPT_CONNECTTIMEOUT_MS, connectTimeout.wholeMilliseconds)
    }

    /// The bytes that go out, as the body of a request or as a message.
    func send(_ bytes: Data) {
        upload = bytes
        set(CURLOPT_UPLOAD, 1)
        _ = weir_set_offset(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(bytes.count))
    }

    private func prepare() {
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_PROXY, "")
        set(CURLOPT_NOPROXY, "*")
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_NOPROGRESS, 0)
        _ = weir_set_pointer(easy, CURLOPT_ERRORBUFFER, error)
        let context = Unmanaged.passUnretained(self).toOpaque()
        for option in [
            CURLOPT_OPENSOCKETDATA, CURLOPT_CLOSESOCKETDATA, CURLOPT_READDATA, CURLOPT_WRITEDATA, CURLOPT_HEADERDATA,
            CURLOPT_XFERINFODATA,
        ] {
            _ = weir_set_pointer(easy, option, context)
        }
        _ = weir_set_open_socket(easy) { context, _, address in
            guard let address else { return CURL_SOCKET_BAD }
            return CurlTransfer.of(context).openSocket(address)
        }
        _ = weir_set_close_socket(easy) { context, socket in CurlTransfer.of(context).closeSocket(socket) }
        _ = weir_set_progress(easy) { context, _, _, _, _ in
            CurlTransfer.of(context).isCancelled.load(ordering: .acquiring) ? 1 : 0
        }
        _ = weir_set_data_callback(easy, CURLOPT_READFUNCTION) { bytes, size, count, context in
            CurlTransfer.of(context).fill(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
        }
        _ = weir_set_data_callback(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            CurlTransfer.of(context).take(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        _ = weir_set_data_callback(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            CurlTransfer.of(context).takeLine(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
    }

    // Perform -------------------------------------------------------------------------------------------------------

    /// How a transfer ended.
    struct Ending: Sendable {
        /// Nil if the answer is complete.
        let failure: OutboundFailure.Kind?
        /// The status of HTTP, or the code of the mail server's last reply; 0 if there was none.
        let code: Int
        /// What libcurl says about the failure.
        let reason: String
        /// Lines of the header, or replies of the mail server, as they came and without their ends.
        let lines: [String]
        let answer: Data
    }

    /// - Throws: `CancellationError` if the task was cancelled before the end. The other end may have got it all then.
    func perform() async throws -> Ending {
        let call = StoppableCall()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                DispatchQueue(label: "weirhouse.outbound").async { [self] in
                    let deadline = shutDown(after: timeout + .milliseconds(250))
                    continuation.resume(with: Result { try call.run { try loop() } })
                    deadline.cancel()
                    // Nobody waits for this any more.
                    let goodbye = shutDown(after: .seconds(5))
                    close()
                    goodbye.cancel()
                }
            }
        } onCancel: { [self] in
            isCancelled.store(true, ordering: .releasing)
            call.stop { [self] in
                shutDown()
                curl_multi_wakeup(multi)
            }
        }
    }

    /// libcurl waits for a mail server's last replies inside one call, which ends at once when the connection does.
    private func shutDown() {
        sockets.withLock { sockets in
            for socket in sockets { _ = shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }

    private func shutDown(after time: Duration) -> DispatchWorkItem {
        let work = DispatchWorkItem { [weak self] in self?.shutDown() }
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(time.wholeMilliseconds), execute: work)
        return work
    }

    private func loop() throws -> Ending {
        curl_multi_add_handle(multi, easy)
        var running: Int32 = 1
        while running > 0 {
            guard curl_multi_perform(multi, &running) == CURLM_OK else {
                throw Problem(.internal, "libcurl cannot go on with a transfer.")
            }
            if running > 0 {
                if isCancelled.load(ordering: .acquiring) { throw CancellationError() }
                curl_multi_poll(multi, nil, 0, 1000, nil)
            }
        }
        var left: Int32 = 0
        guard let message = curl_multi_info_read(multi, &left), message.pointee.msg == CURLMSG_DONE else {
            throw Problem(.internal, "libcurl does not say how a transfer ended.")
        }
        let failure = failure(message.pointee.data.result)
        if failure != nil, isCancelled.load(ordering: .acquiring) { throw CancellationError() }
        return Ending(failure: failure, code: code, reason: String(cString: error), lines: lines, answer: answer)
    }

    private var code: Int { weir_info_long(easy, CURLINFO_RESPONSE_CODE) }

    /// Whether all of it was handed to the network: then the other end may have got it.
    private var wasSent: Bool {
        upload.isEmpty ? weir_info_offset(easy, CURLINFO_PRETRANSFER_TIME_T) > 0 : uploaded == upload.count
    }

    private func failure(_ code: CURLcode) -> OutboundFailure.Kind? {
        switch code {
        case CURLE_OK: nil
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .resolve
        case CURLE_COULDNT_CONNECT: refusedAddresses > 0 && openedSockets == 0 ? .refusedAddress : .connect
        case CURLE_OPERATION_TIMEDOUT: .timeout(afterRequestWasSent: wasSent)
        case _ where isTooLarge: .tooLarge(status: self.code)
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_USE_SSL_FAILED:
            .tls
        case CURLE_LOGIN_DENIED: .signIn
        default: .interrupted(afterRequestWasSent: wasSent)
        }
    }

    // What libcurl calls --------------------------------------------------------------------------------------------

    private static func of(_ context: UnsafeMutableRawPointer?) -> CurlTransfer {
        // It is set in `prepare`, and libcurl gives it back as it is.
        Unmanaged<CurlTransfer>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
    }

    private func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        let start = MemoryLayout<curl_sockaddr>.offset(of: \.addr) ?? 0
        let found = IPAddress(
            family: address.pointee.family, socketAddress: UnsafeRawPointer(address).advanced(by: start))
        guard let found, mayConnect(found) else {
            refusedAddresses += 1
            return CURL_SOCKET_BAD
        }
        openedSockets += 1
        // Child processes do not get it.
        let type = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
        let opened = socket(address.pointee.family, type, address.pointee.`protocol`)
        if opened >= 0 { _ = sockets.withLock { $0.insert(opened) } }
        return opened
    }

    private func closeSocket(_ socket: curl_socket_t) -> Int32 {
        // Its number may be another file's at once.
        sockets.withLock { sockets in
            sockets.remove(socket)
            return Glibc.close(socket)
        }
    }

    private func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, upload.count - uploaded)
        let start = upload.startIndex + uploaded
        upload.copyBytes(to: buffer, from: start..<start + count)
        uploaded += count
        return count
    }

    private func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard answer.count + bytes.count <= answerLimit else {
            isTooLarge = true
            return 0
        }
        answer.append(contentsOf: bytes)
        return bytes.count
    }

    private func takeLine(_ bytes: UnsafeRawBufferPointer) -> Int {
        lineBytes += bytes.count
        guard lineBytes <= 262_144 else {
            isTooLarge = true
            return 0
        }
        let line = bytes.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
        lines.append(String(decoding: line, as: UTF8.self))
        return bytes.count
    }
}

extension Duration {
    /// Rounded up: libcurl takes 0 for its own default.
    fileprivate var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        return max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}
