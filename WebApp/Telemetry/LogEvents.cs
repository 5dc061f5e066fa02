namespace WebApp.Telemetry;

/// <summary>The ids of every log event of the site. An id is never given twice and never changed.</summary>
internal static class LogEvents
{
    public const int LockServiceAway = 100;
    public const int LockReleaseFailed = 101;
    public const int LockRenewalFailed = 102;
    public const int LockLost = 103;
    public const int RedisCircuitOpened = 104;
    public const int RedisCircuitClosed = 105;
    public const int RedisNotOpened = 106;
    public const int RedisMasterUnknown = 107;

    public const int DatabaseAway = 200;
    public const int SessionRevoked = 202;
    public const int SeenWriteFailed = 203;
    public const int RevokedListStale = 204;
    public const int SweepFailed = 205;
    public const int Swept = 206;
    public const int SigningKeyCreated = 207;
    public const int SecurityEventsLost = 208;
    public const int DatabaseClockNotRead = 209;
    public const int MachineClockOff = 210;
    public const int RecordSweepFailed = 211;
    public const int SigningKeySigns = 220;
    public const int SigningKeysStale = 221;
    public const int SigningKeysUnreadable = 222;
    public const int SigningKeysReadable = 223;
    public const int SigningKeysDeleted = 224;

    public const int RefreshDecided = 300;
    public const int RefreshFailed = 301;

    public const int UpstreamNotUnderstood = 310;
    public const int UpstreamKeysNotFetched = 311;
    public const int UpstreamSpent = 312;
    public const int UpstreamDoubtful = 313;
    public const int UpstreamNotStored = 314;
    public const int UpstreamNotEnded = 315;

    public const int SignInRefused = 401;
    public const int AccountSeeded = 402;
    public const int SecondStepRefused = 403;
    public const int PasskeyNotAdded = 404;

    public const int PairLeftTooLate = 500;

    public const int LabRunFailed = 600;
    public const int LabRunNotKept = 601;
}
