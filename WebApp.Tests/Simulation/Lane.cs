namespace WebApp.Tests.Simulation;

/// <summary>
/// What one process runs on: a scheduler that queues every continuation as a step for the world to choose from, and a clock. A
/// process that dies drops everything from then on, which is a crash at whatever await it had come to.
/// </summary>
internal sealed class Lane(World world, string name) : TaskScheduler
{
    private readonly List<Task> held = [];
    private readonly List<Action> heldAlarms = [];
    private (int Steps, Action Then)? countdown;

    public string Name { get; } = name;

    public TimeProvider Time => field ??= new Clock(world, this);

    public bool IsDead { get; private set; }

    /// <summary>Runs nothing, and notices nothing, until it is thawed (SIGSTOP, SIGCONT).</summary>
    public bool IsFrozen { get; private set; }

    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Starts work whose failure nobody expects.</summary>
    public void Start(Func<Task> work) => _ = Task.Factory.StartNew(
        async () =>
        {
            try
            {
                await work();
            }
            catch (Exception defect)
            {
                world.Break(Invariant.NoDefect, defect.ToString());
            }
        },
        CancellationToken.None, TaskCreationOptions.DenyChildAttach, this);

    /// <summary>Does something after so many more steps of this process: between any two statements of its code.</summary>
    public void AfterSteps(int steps, Action then) => countdown = (steps, then);

    public void Disarm() => countdown = null;

    public void Die() => IsDead = true;

    public void Freeze() => IsFrozen = true;

    public void Thaw()
    {
        IsFrozen = false;
        foreach (var alarm in heldAlarms)
        {
            alarm();
        }

        heldAlarms.Clear();
        foreach (var task in held)
        {
            world.Enqueue(this, task);
        }

        held.Clear();
    }

    public void Run(Task task)
    {
        if (IsDead)
        {
            return;
        }

        if (IsFrozen)
        {
            held.Add(task);
            return;
        }

        TryExecuteTask(task);
        if (countdown is var (steps, then))
        {
            countdown = steps > 0 ? (steps - 1, then) : null;
            if (steps == 0)
            {
                then();
            }
        }
    }

    protected override void QueueTask(Task task)
    {
        // Not even looked at after the end: a finalizer may let go of a timer then.
        if (!IsDead && !world.IsOver)
        {
            world.Enqueue(this, task);
        }
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => [];

    private void Ring(Action alarm)
    {
        if (IsFrozen)
        {
            heldAlarms.Add(alarm);
        }
        else if (!IsDead)
        {
            alarm();
        }
    }

    private sealed class Clock(World world, Lane lane) : TimeProvider
    {
        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => world.Now.Ticks;

        public override DateTimeOffset GetUtcNow() => World.Beginning + world.Now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new Timer(world, lane, callback, state);
            timer.Change(dueTime, period);
            return timer;
        }
    }

    private sealed class Timer(World world, Lane lane, TimerCallback callback, object? state) : ITimer
    {
        private int setting;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (!lane.IsDead && !world.IsOver)
            {
                Set(dueTime, period, ++setting);
            }

            return true;
        }

        public void Dispose() => setting++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Set(TimeSpan dueTime, TimeSpan period, int mine)
        {
            if (dueTime == Timeout.InfiniteTimeSpan)
            {
                return;
            }

            var repeats = period != Timeout.InfiniteTimeSpan;
            world.After(dueTime, Fire, waits: !repeats);

            void Fire()
            {
                if (mine != setting || lane.IsDead)
                {
                    return;
                }

                if (repeats)
                {
                    Set(period, period, mine);
                }

                lane.Ring(() => callback(state));
            }
        }
    }
}
